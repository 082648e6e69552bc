import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { mepwatch } from "../../process.ts";
import { chiller, columnRow, crac, stateTexts } from "../config/ede/plant.ts";

const written: Readonly<Record<string, string>> = {
  "Plant_EDE.csv": chiller,
  "Plant_StateTexts.csv": stateTexts,
  "crac.csv": crac,
  "faulty.csv": `${columnRow}\na;1;a;0;1;;;;;;;;;;309\nb;1;b;0;2`,
  "none.csv": columnRow,
};

function folderWithFiles(): string {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-ede-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(written)) writeFileSync(join(folder, name), text, "latin1");
  return folder;
}

async function importEde(...args: string[]) {
  const folder = folderWithFiles();
  const named = args.map((arg) => (/\.csv$/.test(arg) ? join(folder, arg) : arg));
  const running = mepwatch(["profiles", "import-ede", ...named]);
  return { folder, code: await running.ended, draft: running.stdout.join("\n"), said: running.stderr.join("\n") };
}

test("a draft is written that a site can use as it is", async () => {
  const { folder, code, draft, said } = await importEde("Plant_EDE.csv", "Plant_StateTexts.csv");
  expect([code, said]).toEqual([0, ""]);
  const { profile } = parse(draft);
  mkdirSync(join(folder, "profiles/draft"), { recursive: true });
  writeFileSync(join(folder, `profiles/${profile}.yaml`), draft);
  const bus = { protocol: "bacnet", host: "127.0.0.1" };
  const device = { id: "d", profile, bus, address: { instance: 3000 } };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, devices: [device] }));
  const validated = mepwatch(["validate", join(folder, "site.yaml")]);
  expect([await validated.ended, validated.stderr]).toEqual([0, []]);
  expect(validated.stdout[0]).toMatch(/1 devices on 1 buses, 7 points/);
});

test("of several devices one is chosen", async () => {
  const { code, draft } = await importEde("Plant_EDE.csv", "crac.csv", "--device", "4000");
  expect([code, Object.keys(parse(draft).points)]).toEqual([0, ["return-temp", "fan", "mode"]]);
});

test("what is wrong with a row is told beside the draft, of the chosen device only", async () => {
  const faulty = await importEde("faulty.csv");
  expect(faulty).toMatchObject({
    code: 0,
    said: expect.stringMatching(/faulty\.csv:2:1: unit-code 309 .*\n1 problem\.$/),
  });
  expect(Object.keys(parse(faulty.draft).points)).toEqual(["a", "b"]);
  expect(await importEde("faulty.csv", "crac.csv", "--device", "4000")).toMatchObject({ code: 0, said: "" });
});

test.each([
  [["Plant_EDE.csv", "crac.csv"], /the files have 2 devices, .*; give --device with one of 3000 \(KM1\), 4000/],
  [["crac.csv", "--device", "17"], /--device 17: no such device; expected one of 4000/],
  [["Plant_StateTexts.csv"], /Plant_StateTexts\.csv: no objects of a device/],
  [["none.csv"], /none\.csv: no objects of a device/],
  [["not-there.csv"], /not-there\.csv: cannot be read \(ENOENT\); expected an EDE file/],
])("%j: exit 78, and why", async (args, said) => {
  expect(await importEde(...args)).toMatchObject({ code: 78, draft: "", said: expect.stringMatching(said) });
});
