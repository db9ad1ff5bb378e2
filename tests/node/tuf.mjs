// The verdict keys: a client of The Update Framework 1.0 (consistent snapshots, Ed25519) without a clock of its own.

import { createHash, createPublicKey, verify } from "node:crypto";
import { DAY } from "./verdict.mjs";

const ROOTS_MAX = 64;
const ONLINE = ["timestamp", "snapshot"];

/** Metadata that cannot be trusted. */
export class Untrusted extends Error {}

function check(holds, message) {
  if (!holds) throw new Untrusted(message);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const seconds = (expires) => Date.parse(expires) / 1000;

/** OLPC canonical JSON, over which TUF metadata is signed. */
function canonical(value) {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return String(value);
  return `{${Object.keys(value).sort().map((name) => `${canonical(name)}:${canonical(value[name])}`).join()}}`;
}

/** The signed part of `bytes`, if enough of the role's keys have signed it. */
function open(bytes, type, { keys, role }, version) {
  let document;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Untrusted(`${type} is not JSON`);
  }
  checkSigned(document, type, { keys, role });
  const { signed } = document;
  check(signed._type === type && /^1\./.test(signed.spec_version), `${type} has another type`);
  check(Number.isSafeInteger(signed.version) && signed.version >= 1, `${type} has no version`);
  check(version === undefined || signed.version === version, `${type} has another version than listed`);
  check(Number.isFinite(seconds(signed.expires)), `${type} has no expiry`);
  return signed;
}

function checkSigned(document, type, { keys, role }) {
  check(Array.isArray(document?.signatures) && document.signed?.constructor === Object, `${type} is not metadata`);
  const input = Buffer.from(canonical(document.signed));
  const valid = new Set();
  for (const signature of document.signatures) {
    const { keyid, sig } = signature ?? {};
    const key = role.keyids.includes(keyid) ? keys[keyid] : undefined;
    if (key?.keytype !== "ed25519" || key.scheme !== "ed25519" || !/^[0-9a-f]{128}$/.test(sig)) continue;
    const x = Buffer.from(key.keyval.public, "hex").toString("base64url");
    const loaded = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    if (verify(null, input, loaded, Buffer.from(sig, "hex"))) valid.add(key.keyval.public);
  }
  check(valid.size >= role.threshold && role.threshold >= 1, `${type} is not signed by its role`);
}

const authority = (root, name) => ({ keys: root.keys, role: root.roles[name] });

/**
 * The keys and the bounds of the time. `get(path, absent)` returns the bytes of a file, null for an absent one. `known`
 * is the result of the previous call, with its floor at present, or `{root}` with the pinned root.json at first.
 * Throws Untrusted.
 */
export async function refresh(get, known) {
  const first = JSON.parse(known.root);
  let root = open(Buffer.from(known.root), "root", authority(first.signed, "root"));
  let text = known.root;
  const before = root;
  for (let number = 0; number < ROOTS_MAX; number += 1) {
    const bytes = await get(`metadata/${root.version + 1}.root.json`, true);
    if (bytes === null) break;
    const next = open(bytes, "root", authority(root, "root"));
    open(bytes, "root", authority(next, "root"));
    check(next.version === root.version + 1, "the root skips a version");
    [root, text] = [next, bytes.toString("utf-8")];
  }
  const changed = ONLINE.some((name) => canonical(authority(root, name).role) !== canonical(authority(before, name).role));
  const seen = changed ? {} : (known.versions ?? {});

  const timestamp = open(await get("metadata/timestamp.json"), "timestamp", authority(root, "timestamp"));
  const clock = timestamp.clock ?? 0;
  const signers = root.roles.timestamp.keyids;
  const removed = (known.signers ?? []).some((keyid) => !signers.includes(keyid));
  const retracted = known.floor !== undefined && (clock > known.clock || removed);
  check(retracted || clock >= (known.clock ?? 0), "the clock number was rolled back");
  check(timestamp.version >= (seen.timestamp ?? 1), "the timestamp was rolled back");

  const snapshot = await listed("snapshot.json", "snapshot", timestamp, authority(root, "snapshot"));
  check(snapshot.version >= (seen.snapshot ?? 1), "the snapshot was rolled back");
  const targets = await listed("targets.json", "targets", snapshot, authority(root, "targets"));
  const delegated = targets.delegations.roles.find(({ name }) => name === "verdict-keys");
  check(delegated?.paths?.includes("verdict-keys.json"), "nobody may list the keys");
  const keys = { keys: targets.delegations.keys, role: delegated };
  const list = await listed("verdict-keys.json", "targets", snapshot, keys);
  const versions = { timestamp: timestamp.version, snapshot: snapshot.version, targets: targets.version, list: list.version };
  check(versions.targets >= (seen.targets ?? 1) && versions.list >= (seen.list ?? 1), "a list was rolled back");

  const { length, hashes } = list.targets["verdict-keys.json"];
  const jwks = await get(`targets/${hashes.sha256}.verdict-keys.json`);
  check(jwks.length === length && sha256(jwks) === hashes.sha256, "the keys are not the listed ones");

  // Only now does the floor move, and only then is it compared with the expiry of everything.
  const issued = seconds(timestamp.expires) - DAY;
  const floor = retracted ? issued : Math.max(known.floor ?? 0, issued);
  const expired = [root, timestamp, snapshot, targets, list].find(({ expires }) => seconds(expires) <= floor);
  check(!expired, `${expired?._type} has expired`);
  return { jwks: JSON.parse(jwks), latest: seconds(timestamp.expires), root: text, versions, clock, signers, floor };

  async function listed(name, type, listing, trusted) {
    const meta = listing.meta[name];
    check(meta !== undefined, `${name} is not listed`);
    const bytes = await get(`metadata/${meta.version}.${name}`);
    check(meta.length === undefined || bytes.length <= meta.length, `${name} is longer than listed`);
    check(meta.hashes?.sha256 === undefined || sha256(bytes) === meta.hashes.sha256, `${name} is not the listed one`);
    return open(bytes, type, trusted, meta.version);
  }
}
