import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fingerprintOf, readKeys } from "../../agent/config/keys.ts";
import { mepwatch } from "../process.ts";

/** `mepwatch keys`, as central operations meet it. */
const folder = mkdtempSync(join(tmpdir(), "mepwatch-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ code: unknown; out: string; said: string }> {
  const asked = mepwatch(["keys", ...args]);
  const code = await asked.ended;
  return { code, out: asked.stdout.join("\n"), said: asked.stderr.join("\n") };
}

test("a key is made once, for its owner's eyes; its line is the public half; it is listed", async () => {
  const pem = join(folder, "centre-1.pem");
  const made = await run("make", "centre-1", "--role", "supervisor", "--out", pem);
  expect([made.code, statSync(pem).mode & 0o777]).toEqual([0, 0o600]);
  expect(made.out).toMatch(/^centre-1 supervisor [A-Za-z0-9+/]{59}=$/);
  const text = readFileSync(pem, "utf8");
  expect(made.out + made.said).not.toContain(text.split("\n")[1]);
  const key = readKeys(made.out).keys.get("centre-1")!;
  expect(createPublicKey(createPrivateKey(text)).equals(key.publicKey)).toBe(true);
  const again = await run("make", "centre-1", "--role", "supervisor", "--out", pem);
  expect([again.code, again.out, again.said]).toEqual([
    1,
    "",
    expect.stringContaining("is there already, and is not overwritten"),
  ]);
  expect(readFileSync(pem, "utf8")).toBe(text);

  const file = join(folder, "keys");
  writeFileSync(file, `# ours\n${made.out} the centre\n`);
  const fingerprint = fingerprintOf(key);
  expect((await run("list", file)).out).toBe(`KEY       ROLE        SHA-256\ncentre-1  supervisor  ${fingerprint}`);
  expect(JSON.parse((await run("list", file, "--json")).out)).toEqual([
    { kid: "centre-1", role: "supervisor", fingerprint },
  ]);
  writeFileSync(join(folder, "settings.yaml"), `commands: { keys: ${file} }\n`);
  expect((await run("list", "--config", join(folder, "site.yaml"))).out).toContain(fingerprint);
});

test.each<[string, string[], number, RegExp]>([
  [
    "a role that there is none of",
    ["make", "k", "--role", "boss"],
    2,
    /^--role boss: expected one of viewer, technician/,
  ],
  ["a name that is no level of a topic", ["make", "a/b", "--role", "viewer"], 2, /^a\/b: expected 1 to 64 letters/],
  [
    "a folder that is not there",
    ["make", "k", "--role", "viewer", "--out", "/nowhere/k.pem"],
    1,
    /^\/nowhere\/k.pem cannot be written \(ENOENT\)/,
  ],
  ["a file that is not there", ["list", "/nowhere/keys"], 78, /^\/nowhere\/keys: cannot be read; /],
])("%s is told", async (_, args, code, words) => {
  expect(await run(...args)).toEqual({ code, out: "", said: expect.stringMatching(words) });
});

test("what is wrong with a file is told with its lines, all at once, and an agent does not start by it", async () => {
  const file = join(folder, "wrong");
  writeFileSync(file, "# ours\nk boss x\n\nl viewer x\n");
  const { code, said } = await run("list", file);
  expect([code, said.split("\n").map((line) => line.slice(0, file.length + 3))]).toEqual([
    78,
    [`${file}:2:`, `${file}:4:`, "2 problems."],
  ]);
  const site = join(folder, "site.yaml");
  const agent = mepwatch(["run", "--config", site], { MEPWATCH_COMMAND_KEYS: file });
  expect(await agent.ended).toBe(78);
  expect(agent.stderr.join("\n")).toContain(`MEPWATCH_COMMAND_KEYS: ${file}:4: the KEY is no Ed25519 public key`);
});
