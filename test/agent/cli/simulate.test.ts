import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { brief, request, root, session } from "../../drivers/snmp/peer.ts";
import { mepwatch } from "../../process.ts";

const ampleMs = 10_000;

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-simulate-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ups.snmprec");
  writeFileSync(file, text);
  return file;
}

function simulate(...args: string[]) {
  const running = mepwatch(["simulate", ...args]);
  onTestFinished(() => running.kill("SIGKILL"));
  return running;
}

test.each([
  ["none", [7, 8], [7, 8]],
  ["silent", ["timeout", "timeout"], ["timeout", "timeout"]],
  ["wrongSource", ["timeout", "timeout"], ["timeout", "timeout"]],
])(
  "--snmprec, --fault %s: a recording is served by v1, v2c and v3, and ends when it is asked to",
  async (fault, v2c, v3) => {
    const running = simulate("--snmprec", fileWith(`${root}.1|2|7\n${root}.2|66|8\n`), "--fault", `ups=${fault}`);
    const { ports } = JSON.parse(await running.line(/ports/));
    const patience = fault === "none" ? ampleMs : 300;
    const read = async (options: object) => brief(await session(ports.ups, options).read(request(1, 2), patience));
    expect(await read({ version: 1 })).toEqual(v2c);
    expect(await read({})).toEqual(v2c);
    expect(await read({ version: 3, user: "public" })).toEqual(v3);
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  },
);

test.each([
  [
    ["--snmprec", "FILE"],
    `${root}.1|2|x\n`,
    78,
    /ups\.snmprec:1: the value is none of tag 2; expected OID\|tag\|value/,
  ],
  [["--snmprec", "FILE"], "# nothing\n", 78, /nothing is recorded/],
  [["--snmprec", "/nowhere/ups.snmprec"], "", 78, /cannot be read/],
  [["--snmprec", "FILE", "--fault", "ups=lazy"], `${root}.1|2|7\n`, 2, /no fault "lazy"; expected none, silent/],
  [["--snmprec", "FILE", "--fault", "pdu=silent"], `${root}.1|2|7\n`, 2, /no device "pdu"; expected ups/],
  [[], "", 2, /nothing to simulate; expected --config with a site file, or --snmprec/],
])("%j of %j: exit %i, and why", async (args, text, code, said) => {
  const file = fileWith(text);
  const running = simulate(...args.map((arg) => (arg === "FILE" ? file : arg)));
  expect(await running.ended).toBe(code);
  expect(running.stderr.join("\n")).toMatch(said);
});
