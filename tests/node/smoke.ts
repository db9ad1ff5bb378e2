// A client whose types come from docs/developers/openapi.json: `node smoke.js ORIGIN ADMIN-TOKEN ACTIVATION`.
// It prints what it received as JSON; test_typescript_client.py judges it.
import { execFileSync } from "node:child_process";
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./openapi.js";

type Schemas = components["schemas"];
const [origin, token, activation] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: origin, headers: { Authorization: `Bearer ${token}` } });

function received<T>(answer: { data?: T; error?: { code: string }; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.status} ${answer.error?.code}`);
  return answer.data;
}

async function requestVerdict(body: string) {
  return client.POST("/v1/verdicts", {
    body,
    bodySerializer: (text) => text,
    headers: { "Content-Type": "application/eat+jwt" },
    parseAs: "text",
  });
}

const { nonce }: Schemas["Challenge"] = received(await client.POST("/v1/challenges"));
const evidence = execFileSync(activation, ["evidence", nonce, "--place", "havana"], { encoding: "ascii" });
const signed: string = received(await requestVerdict(evidence));
const verdict: Schemas["Verdict"] = JSON.parse(Buffer.from(signed.split(".")[1], "base64url").toString());

const spent = await requestVerdict(evidence);
const problem: Schemas["ProblemCode"] | undefined = spent.error?.code;

const query: operations["searchDevices"]["parameters"]["query"] = { decision: "deny", limit: 5 };
const found = received(await client.GET("/admin/v1/devices", { params: { query } }));
const sub = found.items[0].sub;
const unlocked = received(
  await client.POST("/admin/v1/devices/{sub}/unlock", { params: { path: { sub } }, body: { reason: "smoke" } }),
);
const unknown = await client.GET("/admin/v1/devices/{sub}", { params: { path: { sub: "d-unknown" } } });

console.log(
  JSON.stringify({ nonce, verdict, problem, found: found.items.length, unlocked, unknown: unknown.error?.code }),
);

// What the types reject. TypeScript reports a line below that it accepts.
export const wrong = [
  // @ts-expect-error there is no such decision
  { decision: "maybe" } satisfies Pick<Schemas["Verdict"], "decision">,
  // @ts-expect-error a reason is required
  () => client.POST("/admin/v1/devices/{sub}/unlock", { params: { path: { sub } }, body: {} }),
  // @ts-expect-error there is no such route
  () => client.GET("/v1/verdicts"),
  // @ts-expect-error there is no such member
  () => verdict.decided,
];
