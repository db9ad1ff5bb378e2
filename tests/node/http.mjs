// One HTTP request as the guide wants it: no redirect, no compression, at most 64 KiB, and a limit on the whole time.

import http from "node:http";
import https from "node:https";

const BODY_MAX = 64 * 1024;

/** No usable response: `kind` is unreachable, busy, conflict or refused, `wait` in seconds if the server named it. */
export class Failed extends Error {
  constructor(kind, message, wait) {
    super(message);
    this.kind = kind;
    this.wait = wait;
  }
}

/** The response to one request on its own connection. It is settled after `seconds` at the latest, whatever happens. */
export function send(url, { method = "GET", headers = {}, body, ca, seconds, most = BODY_MAX }) {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith("https:") ? https : http;
    const fail = (error) => {
      clearTimeout(timer);
      reject(error);
      sent.destroy();
    };
    const timer = setTimeout(() => fail(new Error(`${method} ${url}: no response in ${seconds} s`)), seconds * 1000);
    const sent = request(url, { method, headers, ca, agent: false }, (response) => {
      const parts = [];
      let length = 0;
      response.on("data", (part) => {
        length += part.length;
        parts.push(part);
        if (length > most) fail(new Error("the body is too long"));
      });
      response.on("end", () => {
        if (!response.complete) return fail(new Error("the body is incomplete"));
        clearTimeout(timer);
        const type = (response.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
        resolve({ status: response.statusCode, headers: response.headers, type, body: Buffer.concat(parts) });
      });
      response.on("error", fail);
    });
    sent.on("error", fail);
    sent.end(body);
  });
}

/** The code of a problem document, or null for any other response. */
function problemCode({ type, body }) {
  try {
    return type === "application/problem+json" ? (JSON.parse(body.toString("utf-8")).code ?? null) : null;
  } catch {
    return null;
  }
}

/** The body of a 200 of media type `accept`; null for a 404 that `absent` permits. Throws Failed. */
export async function fetchBody(url, { accept, absent = false, ...options }) {
  let response;
  try {
    response = await send(url, { ...options, headers: { ...options.headers, Accept: accept } });
  } catch (error) {
    throw new Failed("unreachable", error.message);
  }
  const { status, headers, type, body } = response;
  if (status === 200 && type === accept && headers["content-encoding"] === undefined) return body;
  const code = problemCode(response);
  if (status === 404 && absent) return null;
  const wait = Number.parseInt(headers["retry-after"] ?? "", 10);
  if (status === 429 || (status === 503 && wait >= 0)) throw new Failed("busy", `${status} ${code}`, wait || undefined);
  if (status === 409) throw new Failed("conflict", `${status} ${code}`);
  if (status >= 400 && status < 500 && status !== 408 && code) throw new Failed("refused", `${status} ${code}`);
  throw new Failed("unreachable", `${status} ${type}`);
}

/** Like `fetchBody`, for a request that may be sent again: at most three times, if nothing usable came. */
export async function fetchAgain(url, options) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchBody(url, options);
    } catch (failed) {
      if (failed.kind !== "unreachable" || attempt === 3) throw failed;
    }
  }
}
