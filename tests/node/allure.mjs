// Reads the folder of results that it is given with Allure's own reader, and prints what the reader found.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { allure2 } from "@allurereport/reader";
import { PathResultFile } from "@allurereport/reader-api";

const folder = process.argv[2], found = { results: [], attachments: {}, unread: [] };
const visitor = {
  visitTestResult: async (result) => found.results.push(result),
  visitAttachmentFile: async (file) => { found.attachments[file.getOriginalFileName()] = await file.asUtf8String(); },
  visitMetadata: async (metadata) => Object.assign(found, { metadata }),
};
for (const name of readdirSync(folder).sort()) {
  if (!await allure2.read(visitor, new PathResultFile(join(folder, name), name))) found.unread.push(name);
}
console.log(JSON.stringify(found));
