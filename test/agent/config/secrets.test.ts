import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import type { Site } from "../../../agent/config/resolved.ts";
import { machineSecrets, reference } from "../../../agent/config/secrets.ts";
import type { Secret } from "../../../agent/secret.ts";
import { change, linesOf, loadWith, site } from "./hall.ts";

const folder = mkdtempSync(join(tmpdir(), "mepwatch-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "community"), "hunter2\n");
const secrets = machineSecrets({
  ...{ COMMUNITY: "hunter2", EMPTY: "", AUTH: "authpass12", PRIV: "privpass12", SHORT: "hush" },
  CREDENTIALS_DIRECTORY: folder,
});

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

const user = (auth: string, priv: string): string =>
  change(
    site,
    ', community: "${env:COMMUNITY}"',
    `, version: 3, user: ops, auth: { protocol: sha256, key: ${auth} }, priv: { protocol: aes128, key: ${priv} }`,
  );

/** Of a site all that may have secrets, however deep; the drivers, which have none, would take many seconds. */
const printed = ({ buses, devices }: Site): string =>
  inspect([buses.map(({ options }) => options), devices.map(({ bus: _, ...rest }) => rest)], {
    depth: 20,
    showHidden: true,
  });

test("keys of SNMPv3 are kept where secrets are, deep in the options, and not shown", () => {
  const loaded = loadWith({ "site.yaml": user('"${env:AUTH}"', '"${env:PRIV}"') }, secrets);
  expect(linesOf(loaded)).toEqual([]);
  const options = loaded.site!.buses.find(({ id }) => id === "ups-1")!.options as { auth: { key: Secret } };
  expect(options.auth.key.reveal()).toBe("authpass12");
  expect(printed(loaded.site!)).not.toMatch(/pass12/);
  expect(inspect(loaded, { depth: 6 })).not.toMatch(/pass12/);
});

test.each([
  ["literals", user("authpass12", "privpass12"), [`auth.key: ${literal}`, `priv.key: ${literal}`]],
  ["a key too short", user('"${env:SHORT}"', '"${env:PRIV}"'), ["auth.key: expected at least 8 characters"]],
  [
    "a variable that is not set",
    user('"${env:NOBODY}"', '"${env:PRIV}"'),
    ["auth.key: environment variable NOBODY is not set; expected the secret in it"],
  ],
])("keys of SNMPv3: %s are refused where they stand, and not repeated", (_name, text, expected) => {
  const loaded = loadWith({ "site.yaml": text }, secrets);
  const withoutColumn = linesOf(loaded).map((line) => line.replace(/^(site\.yaml:18):\d+: /, "$1: "));
  expect(withoutColumn).toEqual(expected.map((what) => `site.yaml:18: devices.1.bus.${what}`));
  expect(JSON.stringify(loaded.problems)).not.toMatch(/pass12|hush/);
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
  expect(printed(loaded!)).not.toContain("hunter2");
  expect(inspect(loaded, { depth: 6 })).not.toContain("hunter2");
});

test("what is kept of a site holds references, not secrets", () => {
  expect(JSON.stringify(loadWith({}, secrets).files)).not.toContain("hunter2");
});
