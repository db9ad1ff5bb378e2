// A week of virtual time with every fault: `node week.mjs SETTINGS`, a JSON file. Prints what happened as JSON.
// Needs a server with --lab. The driver is the world: secure hardware, time, and faults; the client sees only HTTP.

import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "./client.mjs";

const WEEK = 7 * 86_400;
const settings = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const { origin, token, device, root } = settings;

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const response = await fetch(origin + path, { method, headers, body: body && JSON.stringify(body) });
  const found = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(found)}`);
  return found;
}

async function attest(nonce) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = { nonce, public_key: publicKey.export({ format: "jwk" }), place: "paris" };
  const { x5c, claims } = await call("POST", `/lab/v1/devices/${device}/attest`, body);
  return { jwk: privateKey.export({ format: "jwk" }), x5c, claims };
}

const { now: begin } = await call("GET", "/lab/v1/clock");
let now = begin;

/** Let `seconds` pass for the server and for the device, in addition to the real ones. */
async function pass(seconds) {
  ({ now } = await call("GET", "/lab/v1/clock"));
  if (seconds > 0) ({ now } = await call("PUT", "/lab/v1/clock", { now: now + seconds }));
}

/** The device after a reboot, connected to `at`. */
function reboot(at = { origin }) {
  const { issuer, audience, file, seconds } = settings;
  return new Client({ ...at, root, issuer, audience, file, seconds, attest, elapsed: () => now - begin });
}

const FLOOR = (state) => state.keys.floor ?? 0;
const accepted = [];

/** One exchange of the rebooted device. A failure must leave its state as it was; what it accepts is recorded. */
async function exchange(at) {
  const client = reboot(at);
  const before = structuredClone(client.state);
  const outcome = await client.exchange();
  assert.deepEqual(reboot().state, client.state, "the state is stored");
  if (outcome.failed) assert.deepEqual(client.state, before);
  if (outcome.accepted) {
    const { serial, decision } = outcome.accepted;
    accepted.push({ serial, decision });
    assert.ok(serial > before.serial && FLOOR(client.state) >= FLOOR(before));
    assert.equal(client.state.lock, "activated");
  }
  return outcome;
}

/** Exchanges until one succeeds, each after the wait of the one before. */
async function recover({ wait }, at) {
  for (let attempt = 1; ; attempt += 1) {
    await pass(wait);
    const outcome = await exchange(at);
    if (outcome.accepted) return;
    assert.ok(attempt < 3, `not recovered: ${outcome.why}`);
    wait = outcome.wait;
  }
}

/** An exchange with one fault of the server in `count` responses, after one without, which makes older answers old. */
async function trial({ kind, route }, count) {
  await recover({ wait: 0 });
  const slow = kind.startsWith("slow") ? { delay: 2 * settings.seconds } : {};
  await call("POST", "/admin/v1/faults", { kind, route, count, reason: "a week", ...slow });
  const outcome = await exchange();
  const left = (await call("GET", "/admin/v1/faults")).items;
  assert.ok(left.every(({ remaining }) => remaining < count), `${kind} had no effect`);
  await call("POST", "/admin/v1/faults/clear", { reason: "a week" });
  if (outcome.failed) await recover(outcome);
  return { kind, route, count, failed: outcome.failed ?? null, why: outcome.why ?? null };
}

/** As many exchanges through a proxy, whose faults take turns, and then one without it. */
async function through({ name, ca, origin: proxy, exchanges }) {
  const outcomes = [];
  for (let number = 0; number < exchanges; number += 1) {
    const outcome = await exchange({ origin: proxy, ca });
    outcomes.push(outcome.failed ?? "accepted");
    await pass(60);
  }
  await recover({ wait: 60 });
  return { name, outcomes };
}

const first = await exchange();
assert.equal(first.accepted?.decision, "allow", first.why);
const trials = [];
const plan = settings.faults.flatMap((fault) => settings.counts.map((count) => [fault, count]));
for (const [fault, count] of plan) {
  trials.push(await trial(fault, count));
  await pass(Math.max(60, Math.floor((begin + (WEEK * trials.length) / plan.length) - now)));
}
const proxies = [];
for (const proxy of settings.proxies) proxies.push(await through(proxy));
await recover({ wait: 60 });

const { items } = await call("GET", `/admin/v1/devices/${first.accepted.sub}/history?limit=1000`);
const recorded = new Map(items.map(({ serial, decision }) => [serial, decision]));
assert.ok(accepted.every(({ serial, decision }) => recorded.get(serial) === decision), "only what the server decided");
const { lock, serial } = reboot().state;
console.log(JSON.stringify({ lock, serial, days: (now - begin) / 86_400, accepted: accepted.length, trials, proxies }));
