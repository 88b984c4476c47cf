// Decrypt standard input with npm's age-encryption: node open.mjs LIBRARY IDENTITY_FILE
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const [library, identityFile] = process.argv.slice(2);
const entry = JSON.parse(readFileSync(`${library}/package.json`, "utf8"));
const main = entry.exports?.["."]?.default ?? entry.exports?.["."] ?? entry.main;
const { Decrypter } = await import(pathToFileURL(`${library}/${main}`));

const decrypter = new Decrypter();
for (const line of readFileSync(identityFile, "utf8").split("\n")) {
  if (line && !line.startsWith("#")) decrypter.addIdentity(line);
}
const plain = await decrypter.decrypt(Readable.toWeb(process.stdin));
await plain.pipeTo(Writable.toWeb(process.stdout));
