// Prints the result of each vector as JSON: `node judge_vectors.mjs VECTORS`.
import { readFileSync } from "node:fs";
import { Rejected, verify } from "./verdict.mjs";

const { key_sets: keySets, vectors } = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const results = vectors.map(({ id, keys, context, token, token_base64: base64 }) => {
  const { policy_version: policyVersion, latest, ...expected } = context;
  const bytes = token === undefined ? Buffer.from(base64, "base64") : Buffer.from(token, "ascii");
  try {
    const { decision, reason } = verify(bytes, keySets[keys], { ...expected, policyVersion, latest: latest ?? Infinity });
    return [id, { result: "accepted", decision, reason }];
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return [id, { result: "refused", step: error.step, code: error.code }];
  }
});
console.log(JSON.stringify(Object.fromEntries(results)));
