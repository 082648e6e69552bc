import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addValidate } from "../../../agent/cli/validate.ts";
import { change, files, site } from "../config/hall.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-validate-"));
  path = join(folder, "site.yaml");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The command as main.ts runs it, its output kept. */
async function validate(file: string, environment: Readonly<Record<string, string>> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const codes: number[] = [];
  const program = new Command("mepwatch");
  addValidate(program, {
    output: { data: (line) => stdout.push(line), message: (line) => stderr.push(line), colour: false },
    environment: { COMMUNITY: "hunter2", ...environment },
    version: "0",
    program: "mepwatch",
    stopped: new Promise(() => {}),
    exit: (code) => codes.push(code),
  });
  await program.parseAsync(["validate", file], { from: "user" });
  const relative = (line: string): string => line.replaceAll(`${folder}/`, "");
  return { codes, stdout: stdout.map(relative), stderr: stderr.map(relative) };
}

test("a good site is one line on stdout and 0", async () => {
  expect(await validate(path)).toEqual({
    codes: [0],
    stdout: ["site.yaml: 3 devices on 3 buses, 4 points, 3 rules: good."],
    stderr: [],
  });
});

test.each([
  ["30s", 9600, "bus gateway: its polls take 0 % of the line's time"],
  [
    "100ms",
    1200,
    "bus gateway: its polls take 413 % of the line's time; more than there is, so that polls are left out. Read less often, or at more baud.",
  ],
])("a serial line, read each %s at %d baud, is told how much of it that takes", async (interval, baud, line) => {
  const bus = `gateway: { protocol: modbus, transport: rtu, path: /dev/ttyS0, baud: ${baud} }`;
  const text = change(
    change(site, "gateway: { protocol: modbus, host: 192.0.2.10 }", bus),
    "interval: 2s",
    `interval: ${interval}`,
  );
  writeFileSync(path, change(text, "power: { scale: 0.01 }", `power: { scale: 0.01, interval: ${interval} }`));
  expect((await validate(path)).stdout[1]).toBe(line);
});

test("a site with mistakes is 78, with every one of them on stderr", async () => {
  const text = change(change(site, "interval: 2s", "intervall: 2s"), "Europe/Berlin", "Europe/Berln");
  writeFileSync(path, text);
  expect(await validate(path)).toEqual({
    codes: [78],
    stdout: [],
    stderr: [
      "site.yaml:2:19: site.timeZone: expected an IANA time zone, such as Europe/Berlin or UTC",
      'site.yaml:10:5: devices.0.intervall: unknown option "intervall". Did you mean "interval"?',
      "2 problems.",
    ],
  });
});

test("the settings beside it are checked too, and counted with it", async () => {
  writeFileSync(path, change(site, "interval: 2s", "intervall: 2s"));
  writeFileSync(join(folder, "settings.yaml"), "mqtt: { password: hunter2 }\n");
  expect(await validate(path)).toEqual({
    codes: [78],
    stdout: [],
    stderr: [
      "settings.yaml:1:9: mqtt.password: a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}",
      'site.yaml:10:5: devices.0.intervall: unknown option "intervall". Did you mean "interval"?',
      "2 problems.",
    ],
  });
});

test("wrong settings beside a good site are 78", async () => {
  const { codes, stdout, stderr } = await validate(path, { MEPWATCH_MQTT_URL: "broker" });
  expect({ codes, stdout, stderr }).toEqual({
    codes: [78],
    stdout: [],
    stderr: [
      "MEPWATCH_MQTT_URL: expected mqtt://HOST:PORT or mqtts://HOST:PORT, or several of them with commas",
      "1 problem.",
    ],
  });
});

test("settings that cannot be read are a problem, not a crash", async () => {
  mkdirSync(join(folder, "settings.yaml"));
  const { codes, stderr } = await validate(path);
  expect(codes).toEqual([78]);
  expect(stderr).toEqual([
    "settings.yaml: cannot be read (EISDIR); expected a file in YAML that this user may read",
    "1 problem.",
  ]);
});

test("a file that is not there is 78", async () => {
  const { codes, stdout, stderr } = await validate(join(folder, "none.yaml"));
  expect({ codes, stdout, stderr }).toEqual({
    codes: [78],
    stdout: [],
    stderr: ["none.yaml: no such file; expected a site file in YAML", "1 problem."],
  });
});

test("nothing it says holds a secret", async () => {
  for (const community of ["hunter2", "${env:NOBODY}"]) {
    writeFileSync(path, change(site, "${env:COMMUNITY}", community));
    const { codes, stderr } = await validate(path);
    expect(codes).toEqual([78]);
    expect(stderr.join("\n")).not.toContain("hunter2");
  }
});
