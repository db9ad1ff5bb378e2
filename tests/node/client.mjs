// A device that follows docs/developers/writing-a-client.md, only with Node.js.

import { createPrivateKey, sign } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Failed, fetchAgain, fetchBody } from "./http.mjs";
import { refresh, Untrusted } from "./tuf.mjs";
import { Rejected, SKEW, thumbprint, verify } from "./verdict.mjs";

const STEP_MAX = 2 ** 32;
const LOCKS = { allow: "activated", notice: "notice", deny: "locked", release: "released" };
const WAITS = { refused: 3600, conflict: 60, busy: 60, unreachable: 15, unverified: 300 };

/**
 * `options`: origin, ca, root (the text of the pinned root.json), issuer, audience, file (of its state), seconds (of a
 * request), elapsed() (seconds since any moment, also over a reboot), and attest(nonce), the secure hardware: it
 * resolves to {jwk, x5c, claims} with a new private key that is attested for the nonce.
 */
export class Client {
  constructor(options) {
    this.options = options;
    const blank = { keys: { root: options.root }, serial: 0, policyVersion: 0, lock: "unprovisioned", last: null };
    this.state = existsSync(options.file) ? JSON.parse(readFileSync(options.file, "utf-8")) : blank;
  }

  /** One exchange. Resolves to {accepted: claims}, or {failed: kind, wait, why}; then the state is as before. */
  async exchange() {
    try {
      return { accepted: await this.#exchange() };
    } catch (error) {
      const unverified = error instanceof Rejected || error instanceof Untrusted;
      if (!unverified && !(error instanceof Failed)) throw error;
      const kind = unverified ? "unverified" : error.kind;
      return { failed: kind, wait: error.wait ?? WAITS[kind], why: error.message };
    }
  }

  async #exchange() {
    const { jwks, latest, ...keys } = await refresh((path, absent) => this.#file(path, absent), this.#known());
    const nonce = await this.#challenge();
    const { jwk, x5c, claims } = await this.options.attest(nonce);
    const token = await this.#post("/v1/verdicts", fetchBody, "application/jwt", {
      headers: { "Content-Type": "application/eat+jwt" },
      body: this.#evidence(nonce, jwk, x5c, claims),
    });
    const { issuer, audience } = this.options;
    const { serial, policyVersion } = this.state;
    const verdict = verify(token, jwks, {
      ...{ issuer, audience, thumbprint: thumbprint(jwk), nonce, serial, policyVersion },
      ...{ floor: keys.floor, latest: latest + SKEW },
    });
    this.#accept(verdict, keys);
    return verdict;
  }

  #accept(verdict, keys) {
    const { serial, policyVersion, lock } = this.state;
    this.state = {
      keys: { ...keys, at: this.options.elapsed() },
      serial: Math.min(verdict.serial, serial + STEP_MAX),
      policyVersion: Math.min(verdict.policy.version, policyVersion + STEP_MAX),
      lock: LOCKS[verdict.decision] ?? lock,
      last: { jti: verdict.jti, serial: verdict.serial },
    };
    writeFileSync(`${this.options.file}.new`, JSON.stringify(this.state));
    renameSync(`${this.options.file}.new`, this.options.file);
  }

  /** What is known of the keys, with the floor as it is now. */
  #known() {
    const { floor, at, ...keys } = this.state.keys;
    return floor === undefined ? keys : { ...keys, floor: floor + Math.floor(this.options.elapsed() - at) };
  }

  #evidence(nonce, jwk, x5c, claims) {
    const { lock, last } = this.state;
    const stated = {
      ...claims,
      eat_nonce: nonce,
      intent: lock === "unprovisioned" ? "activate" : "check-in",
      lock_state: lock,
      ...(last && { last_verdict: last }),
    };
    const parts = [{ alg: "ES256", typ: "eat+jwt", x5c }, stated];
    const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const key = createPrivateKey({ key: jwk, format: "jwk" });
    return `${input}.${sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }

  async #challenge() {
    const body = await this.#post("/v1/challenges", fetchAgain, "application/json", {});
    try {
      const { nonce, expires_in: seconds } = JSON.parse(body);
      const wellFormed = typeof nonce === "string" && /^[A-Za-z0-9_-]{8,88}$/.test(nonce);
      if (wellFormed && Number.isInteger(seconds)) return nonce;
    } catch {
      // as any other response that is no challenge
    }
    throw new Failed("unreachable", "this is no challenge");
  }

  #post(path, fetch, accept, request) {
    return this.#send(path, fetch, { ...request, method: "POST", accept });
  }

  #file(path, absent) {
    return this.#send(`/tuf/${path}`, fetchAgain, { accept: "application/json", absent });
  }

  #send(path, fetch, request) {
    const { origin, ca, seconds } = this.options;
    return fetch(origin + path, { ...request, ca, seconds });
  }
}
