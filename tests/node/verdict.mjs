// The fourteen steps of docs/developers/writing-a-client.md, only with node:crypto. ML-DSA-65 is not supported.

import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { JsonFault, parseStrict } from "./strict_json.mjs";

export const DAY = 86_400;
export const SKEW = 300;
const INTEGER_MAX = Number.MAX_SAFE_INTEGER;
const DURATION_MAX = 10 * 366 * DAY;

/** A verdict that is rejected: the step and the name of the check. */
export class Rejected extends Error {
  constructor(step, code) {
    super(`step ${step}: ${code}`);
    this.step = step;
    this.code = code;
  }
}

function check(step, code, holds) {
  if (!holds) throw new Rejected(step, code);
}

/** The bytes of canonical base64url without padding, or null. */
export function fromBase64url(text) {
  const bytes = Buffer.from(text, "base64url");
  return typeof text === "string" && text !== "" && bytes.toString("base64url") === text ? bytes : null;
}

/** RFC 7638 thumbprint of a P-256 or Ed25519 key. */
export function thumbprint({ crv, kty, x, y }) {
  const members = kty === "EC" ? { crv, kty, x, y } : { crv, kty, x };
  return createHash("sha256").update(JSON.stringify(members)).digest("base64url");
}

// ---- The keys -------------------------------------------------------------------------------------------------------

const P = 2n ** 255n - 19n;
const Y_OF_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL_ORDER = [0n, 1n, P - 1n, Y_OF_ORDER_8, P - Y_OF_ORDER_8];
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "priv_exp", "seed"];
const NAME = /^[A-Za-z0-9._:-]{1,64}$/;

function power(base, exponent) {
  let result = 1n;
  for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}

const D = ((P - 121665n) * power(121666n, P - 2n)) % P;

function isPointOfLargeOrder(bytes) {
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) & (2n ** 255n - 1n);
  const product = ((y * y + P - 1n) * (D * ((y * y) % P) + 1n)) % P;
  return y < P && !SMALL_ORDER.includes(y) && power(product, (P - 1n) / 2n) !== P - 1n;
}

/** The algorithm and public key of a JWK, or null if it may not verify verdicts. */
function usable(jwk) {
  const times = [jwk.nbf ?? 0, jwk.exp ?? INTEGER_MAX];
  if (PRIVATE.some((name) => name in jwk) || (jwk.use ?? "sig") !== "sig") return null;
  if (!(jwk.key_ops ?? ["verify"]).includes?.("verify") || (jwk.status ?? "active") !== "active") return null;
  if (!times.every((time) => Number.isSafeInteger(time) && time >= 0) || times[1] <= times[0]) return null;
  const x = fromBase64url(jwk.x ?? "");
  const y = fromBase64url(jwk.y ?? "");
  const alg = { "OKP Ed25519": "Ed25519", "EC P-256": "ES256" }[`${jwk.kty} ${jwk.crv}`];
  if (!alg || (jwk.alg ?? alg) !== alg || x?.length !== 32) return null;
  if (alg === "Ed25519" ? "y" in jwk || !isPointOfLargeOrder(x) : y?.length !== 32) return null;
  try {
    const { kty, crv } = jwk;
    const key = alg === "Ed25519" ? { kty, crv, x: jwk.x } : { kty, crv, x: jwk.x, y: jwk.y };
    return { alg, nbf: jwk.nbf, exp: jwk.exp, public: createPublicKey({ key, format: "jwk" }) };
  } catch {
    return null; // not on the curve
  }
}

function selectKey(kid, { keys }, earliest, latest) {
  const named = keys.filter((jwk) => NAME.test(kid) && jwk?.kid === kid);
  check(5, "key-revoked", !named.some((jwk) => jwk.status === "revoked"));
  check(5, "key-unknown", named.length > 0);
  const key = named.length === 1 ? usable(named[0]) : null;
  check(5, "key-unfit", key !== null);
  check(5, "key-expired", earliest < (key.exp ?? Infinity));
  check(5, "key-not-yet-valid", latest >= (key.nbf ?? 0));
  return key;
}

function checkSignature(key, signature, input) {
  check(7, "signature-length", signature.length === 64);
  if (key.alg === "ES256") {
    const numbers = [signature.subarray(0, 32), signature.subarray(32)].map((half) => BigInt(`0x${half.toString("hex")}`));
    check(7, "signature-range", numbers.every((number) => number > 0n && number < P256_ORDER));
  }
  const hash = key.alg === "ES256" ? "sha256" : null;
  check(7, "signature-invalid", verifySignature(hash, input, { key: key.public, dsaEncoding: "ieee-p1363" }, signature));
}

// ---- The claims -----------------------------------------------------------------------------------------------------

const text = (least, most) => (value) => typeof value === "string" && [...value].length >= least && [...value].length <= most;
const form = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const integer = (least, most) => (value) => Number.isSafeInteger(value) && value >= least && value <= most;
const word = (...words) => (value) => words.includes(value);
const object = (members, optional = []) => (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) &&
  Object.keys(value).every((name) => Object.hasOwn(members, name)) &&
  Object.keys(members).every((name) => (name in value ? members[name](value[name]) : optional.includes(name)));
const mapping = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length <= 8 &&
  Object.entries(value).every(([name, part]) => NAME.test(name) && form(/^[^\u0000-\u001f\u007f]{1,128}$/u)(part));

const moment = integer(0, INTEGER_MAX);
const seconds = integer(0, DURATION_MAX);
const code = form(NAME);
const MANDATORY = {
  iss: text(1, 256), aud: text(1, 256), sub: code, cnf: object({ jkt: form(/^[A-Za-z0-9_-]{43}$/) }),
  eat_nonce: form(/^[A-Za-z0-9_-]{8,88}$/), iat: moment, nbf: moment, exp: moment, jti: code,
  serial: integer(1, INTEGER_MAX), decision: text(0, Infinity), reason: text(0, Infinity),
  policy: object({ id: code, version: moment, rule: code }),
  trust: word("none", "affirming", "warning", "contraindicated"),
};
const MESSAGES = word(
  "activated", "not-sold-here", "notice-of-lock", "under-investigation", "try-later", "accept-new-terms", "released",
);
const OPTIONAL = {
  territory: form(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/), message: object({ key: MESSAGES, args: mapping }, ["args"]),
  case: code, check_in: seconds, offline_limit: seconds, not_before_lock: moment, retry_after: seconds,
};
const ALL = { ...MANDATORY, ...OPTIONAL };
const DECISIONS = { // required, and also permitted
  allow: [["check_in", "offline_limit"], ["territory", "message", "case"]],
  notice: [["message", "case", "check_in", "offline_limit", "not_before_lock"], ["territory"]],
  deny: [["message", "case", "check_in"], ["territory"]],
  defer: [["retry_after"], ["territory", "message", "case"]],
  release: [[], ["territory", "message", "case"]],
};
const REASONS = [
  "territory-eligible", "territory-prohibited", "territory-unknown", "territory-contradictory",
  "activated-in-prohibited-territory", "campaign-lifted", "evidence-unattested", "terms-outdated", "operator-decision",
  "given-up",
];

function strict(step, prefix, bytes) {
  try {
    return parseStrict(bytes);
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    throw new Rejected(step, `${prefix}-${fault.message}`);
  }
}

// ---- The steps ------------------------------------------------------------------------------------------------------

/**
 * The claims of the verdict `token`, a Buffer. `expected` has issuer, audience, thumbprint, nonce, the stored serial
 * and policyVersion, and the bounds of the time: floor, and latest (Infinity without a key repository).
 * Throws Rejected.
 */
export function verify(token, jwks, expected) {
  const earliest = expected.floor - DAY;
  const { latest } = expected;
  check(1, "too-long", token.length <= 16 * 1024);
  const characters = token.toString("latin1");
  check(1, "alphabet", !/[^A-Za-z0-9_.-]/.test(characters));

  const segments = characters.split(".");
  check(2, "segment-count", segments.length === 3);
  check(2, "segment-empty", segments.every((segment) => segment !== ""));
  const [first, payload, signature] = segments.map(fromBase64url);
  check(2, "segment-encoding", first && payload && signature);

  check(3, "header-too-long", first.length <= 256);
  const header = strict(3, "header", first);
  check(3, "header-member-unknown", Object.keys(header).every((name) => ["alg", "kid", "typ"].includes(name)));
  check(3, "header-member-missing", "alg" in header && "kid" in header);
  check(3, "header-member-not-text", Object.values(header).every((value) => typeof value === "string"));
  check(4, "typ-mismatch", header.typ === "activation-verdict+jwt");
  const key = selectKey(header.kid, jwks, earliest, latest);
  check(6, "alg-mismatch", header.alg === key.alg);
  checkSignature(key, signature, Buffer.from(characters.slice(0, characters.lastIndexOf("."))));

  const claims = strict(8, "payload", payload);
  const names = Object.keys(claims);
  check(8, "claim-unknown", names.every((name) => Object.hasOwn(ALL, name)));
  check(8, "claim-missing", Object.keys(MANDATORY).every((name) => name in claims));
  check(8, "claim-malformed", names.every((name) => ALL[name](claims[name])));
  check(9, "issuer-mismatch", claims.iss === expected.issuer);
  check(9, "audience-mismatch", claims.aud === expected.audience);
  check(10, "key-binding-mismatch", claims.cnf.jkt === expected.thumbprint);
  check(11, "nonce-mismatch", claims.eat_nonce === expected.nonce);

  const { iat, nbf, exp } = claims;
  check(12, "times-contradictory", iat < exp && nbf <= exp);
  check(12, "lifetime-too-long", exp - iat <= DAY);
  check(12, "expired", exp > earliest);
  check(12, "issued-in-past", iat >= earliest);
  check(12, "issued-after-timestamp", iat <= latest);
  check(12, "not-yet-valid", nbf <= latest);
  const inKey = iat - SKEW < (key.exp ?? Infinity) && iat + SKEW >= (key.nbf ?? 0);
  check(12, "issued-outside-key-validity", inKey);
  check(13, "serial-not-newer", claims.serial > expected.serial);
  check(13, "policy-rolled-back", claims.policy.version >= expected.policyVersion);

  check(14, "decision-unknown", Object.hasOwn(DECISIONS, claims.decision));
  check(14, "reason-unknown", REASONS.includes(claims.reason));
  const [required, permitted] = DECISIONS[claims.decision];
  const optional = names.filter((name) => Object.hasOwn(OPTIONAL, name));
  check(14, "decision-incomplete", required.every((name) => optional.includes(name)));
  check(14, "decision-contradictory", optional.every((name) => [...required, ...permitted].includes(name)));
  check(14, "lock-before-issue", (claims.not_before_lock ?? iat) >= iat);
  return claims;
}
