import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import { machineSecrets, reference } from "../../../agent/config/secrets.ts";
import type { Secret } from "../../../agent/secret.ts";
import { change, linesOf, loadWith, site } from "./hall.ts";

const folder = mkdtempSync(join(tmpdir(), "mepwatch-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "community"), "hunter2\n");
const secrets = machineSecrets({ COMMUNITY: "hunter2", EMPTY: "", CREDENTIALS_DIRECTORY: folder });

test.each([
  ["${file:/etc/x}", { scheme: "file", name: "/etc/x" }],
  ["${env:NAME}", { scheme: "env", name: "NAME" }],
  ["${credential:x}", { scheme: "credential", name: "x" }],
  ["${vault:x}", null],
  ["${env:}", null],
  ["a ${env:NAME}", null],
  ["${env:NAME} b", null],
  ["hunter2", null],
  [5, null],
  [null, null],
])("%s as a reference", (text, expected) => {
  expect(reference(text)).toEqual(expected);
});

test.each([
  [`\${file:${join(folder, "community")}}`, { text: "hunter2" }],
  ["${env:COMMUNITY}", { text: "hunter2" }],
  ["${credential:community}", { text: "hunter2" }],
  [
    "${file:/nowhere/x}",
    { problem: "the secret's file /nowhere/x cannot be read (ENOENT); expected a file this user may read" },
  ],
  ["${env:NOBODY}", { problem: "environment variable NOBODY is not set; expected the secret in it" }],
])("%s read", (text, expected) => {
  expect(secrets(reference(text)!)).toEqual(expected);
});

test("without systemd a credential says how to give it", () => {
  const found = machineSecrets({})({ scheme: "credential", name: "mqtt" });
  expect(found).toEqual({ problem: "no systemd credentials here; expected LoadCredential=mqtt:…" });
});

const literal = "a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}";
const wrong: readonly [name: string, community: string, line: string][] = [
  ["a literal", "hunter2", literal],
  ["a literal that is a number", "12345678", literal],
  ["a reference of a kind that there is not", '"${vault:hunter2}"', literal],
  [
    "a variable that is not set",
    '"${env:NOBODY}"',
    "environment variable NOBODY is not set; expected the secret in it",
  ],
  ["an empty variable", '"${env:EMPTY}"', "an empty community cannot be sent"],
];

test.each(wrong)("%s is refused in a site file, and not repeated", (_name, community, what) => {
  const loaded = loadWith({ "site.yaml": change(site, '"${env:COMMUNITY}"', community) }, secrets);
  expect(linesOf(loaded)).toEqual([`site.yaml:18:49: devices.1.bus.community: ${what}`]);
  expect(JSON.stringify(loaded.problems)).not.toMatch(/hunter2|12345678/);
});

test.each(["public", null])("the community that all the world knows may stand there: %s", (community) => {
  const text = change(site, ', community: "${env:COMMUNITY}"', community === null ? "" : `, community: ${community}`);
  expect(linesOf(loadWith({ "site.yaml": text }))).toEqual([]);
});

test("a loaded site can be printed: the secret is in it, and is not shown", () => {
  const { site: loaded } = loadWith({}, secrets);
  const options = loaded!.buses.find(({ id }) => id === "ups-1")!.options as { community: Secret };
  expect(options.community.reveal()).toBe("hunter2");
  expect(JSON.stringify(loaded)).not.toContain("hunter2");
  expect(inspect(loaded, { depth: 20, showHidden: true })).not.toContain("hunter2");
});

test("what is kept of a site holds references, not secrets", () => {
  expect(JSON.stringify(loadWith({}, secrets).files)).not.toContain("hunter2");
});
