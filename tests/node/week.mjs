// A week of virtual time with every fault: `node week.mjs SETTINGS`, a JSON file. Prints what happened as JSON.
// Needs a server with --lab. The driver is the world: secure hardware, time, and faults; the client sees only HTTP.

import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "./client.mjs";
import { send } from "./http.mjs";

const WEEK = 7 * 86_400;
const settings = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const { origin, token, device, root, short } = settings;

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const options = { method, headers, body: body && JSON.stringify(body), seconds: 60, most: 1024 ** 2 };
  const { status, body: found } = await send(origin + path, options);
  assert.equal(Math.floor(status / 100), 2, `${method} ${path}: ${status} ${found}`);
  return JSON.parse(found);
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

/** The device after a reboot; `at` are its origin, ca and seconds, if they are others than those of the settings. */
function reboot(at) {
  const { issuer, audience, file, seconds } = settings;
  return new Client({ origin, seconds, root, issuer, audience, file, attest, elapsed: () => now - begin, ...at });
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
  console.error(`${kind} of ${route}, ${count}`);
  await recover({ wait: 0 });
  const slow = kind.startsWith("slow");
  const delay = slow ? { delay: 2 * short } : {};
  await call("POST", "/admin/v1/faults", { kind, route, count, reason: "a week", ...delay });
  const outcome = await exchange(slow ? { seconds: short } : {});
  const left = (await call("GET", "/admin/v1/faults")).items;
  assert.ok(left.every(({ remaining }) => remaining < count), `${kind} had no effect`);
  await call("POST", "/admin/v1/faults/clear", { reason: "a week" });
  if (outcome.failed) await recover(outcome);
  return { kind, route, count, failed: outcome.failed ?? null, why: outcome.why ?? null };
}

/** An exchange through a proxy, whose faults take turns, for each of these limits, and then one without it. */
async function through({ name, ca, origin: proxy, seconds: limits }) {
  const outcomes = [];
  for (const seconds of limits) {
    console.error(`proxy ${name}, ${outcomes.length}`);
    const outcome = await exchange({ origin: proxy, ca, seconds });
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
