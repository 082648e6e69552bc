import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, test } from "vitest";
import { fingerprintOf, keyLine, readKeys } from "../../../agent/config/keys.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const spki = (key: KeyObject): string => key.export({ format: "der", type: "spki" }).toString("base64");
const own = spki(publicKey);
const other = spki(generateKeyPairSync("x25519").publicKey);
const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const said = (text: string): string[] => readKeys(text).problems.map(({ line, what }) => `${line}: ${what}`);

test("a key a line, with comments, blank lines, either line end and any white space", () => {
  const text = `# ours\n\n  centre-1\tsupervisor  ${own}  the centre, since March\r\nfleet service ${own}`;
  const { keys, problems } = readKeys(text);
  expect(problems).toEqual([]);
  expect([...keys].map(([kid, { role }]) => `${kid} ${role}`)).toEqual(["centre-1 supervisor", "fleet service"]);
  expect(keys.get("fleet")!.publicKey.equals(publicKey)).toBe(true);
});

test("the line of a key is read as that key, and its fingerprint is that of any other tool", () => {
  const line = keyLine("centre-1", { role: "engineer", publicKey });
  expect(line).toBe(`centre-1 engineer ${own}`);
  const key = readKeys(line).keys.get("centre-1")!;
  expect(fingerprintOf(key)).toBe(fingerprintOf({ role: "viewer", publicKey }));
  expect(fingerprintOf(key)).toMatch(/^[0-9a-f]{64}$/);
});

test("a fingerprint is that of the SPKI DER, as sha256sum has it", () => {
  const known = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const key = readKeys(`z viewer ${known}`).keys.get("z")!;
  expect(fingerprintOf(key)).toBe("06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9");
});

const shape = "expected KID ROLE KEY, as mepwatch keys make prints it";
const noKey = `is no Ed25519 public key (SPKI DER, 44 bytes in base64); ${shape}`;
test.each<[string, string, string[]]>([
  [
    "a name with blanks in it",
    `my key viewer ${own}`,
    ["1: no such ROLE; expected one of viewer, technician, engineer, supervisor, service behind the KID."],
  ],
  ["a name of other letters", `ä viewer ${own}`, [`1: KID has 1 to 64 letters, digits, _ or -; ${shape}`]],
  [
    "a misspelt role",
    `k enginer ${own}`,
    [
      '1: no such ROLE; expected one of viewer, technician, engineer, supervisor, service behind the KID. Did you mean "engineer"?',
    ],
  ],
  ["no key", "k viewer", [`1: the KEY ${noKey}`]],
  ["half a key", `k viewer ${own.slice(0, 40)}`, [`1: the KEY ${noKey}`]],
  ["a key of another kind", `k viewer ${other}`, [`1: the KEY ${noKey}`]],
  ["a key that is no base64", `k viewer ${own.replace(/.$/, "!")}`, [`1: the KEY ${noKey}`]],
  [
    "a name twice",
    `k viewer ${own}\n\nk supervisor ${own}`,
    ["3: a key of this name is on line 1; expected another KID"],
  ],
  [
    "each of several",
    `k boss x\nl viewer ${own}\nm viewer x`,
    [expect.stringMatching(/^1:/), expect.stringMatching(/^3:/)],
  ],
])("%s is told with its line", (_, text, expected) => {
  expect(said(text)).toEqual(expected);
});

/** One whose base64 would pass for a name, and one whose would not. */
const bodies = ["A".repeat(43), `${"A".repeat(40)}+/A`].map((secret) => `MC4CAQAwBQYDK2VwBCIEI${secret}`);
test.each(bodies)("a private key in its place is refused, and never repeated: %#", (body) => {
  expect(said(pem)).toEqual([`1: a PEM file is no file of trusted keys; ${shape}`]);
  for (const text of [`k viewer ${body}`, `${body} viewer ${own}`, `${body} viewer x`, `k ${body} ${own}`, body]) {
    expect(said(text)).toHaveLength(1);
    expect(said(text).join()).not.toContain(body.slice(20));
  }
  const name = "a".repeat(64);
  expect(said(`${name} boss ${own}\n${name} viewer x`).join()).not.toContain(name);
});
