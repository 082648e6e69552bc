import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineSecrets } from "../../../agent/config/secrets.ts";
import { readSettings } from "../../../agent/config/settings.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-settings-"));
  writeFileSync(join(folder, "password"), "hush-hush\n");
  writeFileSync(join(folder, "mepwatch_mqtt"), "hush-credential");
  writeFileSync(join(folder, "key.pem"), "hush-key");
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (text: string | null, environment: Readonly<Record<string, string>> = {}) =>
  readSettings(text === null ? null : { name: "settings.yaml", text }, environment, machineSecrets(environment));

test("without a file every setting has a default", () => {
  const { settings } = read(null);
  expect(settings).toMatchObject({
    mqtt: { url: "mqtt://127.0.0.1:1883", prefix: "mepwatch", username: null, password: null },
    store: "/var/lib/mepwatch/store.db",
    socket: "/run/mepwatch/api.sock",
    heartbeatMs: 30_000,
    logLevel: "info",
  });
  expect(settings?.agent).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});

test("the file wins over the defaults, the environment over the file", () => {
  const file = "agent: from-file\nheartbeat: 5s\nmqtt: { url: 'mqtts://file:8883', prefix: p }\nlog: { level: warn }";
  const { settings } = read(file, { MEPWATCH_MQTT_URL: "mqtt://environment:1", MEPWATCH_LOG_LEVEL: "debug" });
  expect(settings).toMatchObject({
    agent: "from-file",
    heartbeatMs: 5000,
    logLevel: "debug",
    mqtt: { url: "mqtt://environment:1", prefix: "p" },
  });
});

describe("a mistake is refused with what was expected", () => {
  test.each<[string, string, RegExp]>([
    ["an unknown setting", "hartbeat: 5s", /^settings\.yaml: .*'hartbeat'.*Did you mean "heartbeat"\?/],
    ["an unknown setting further in", "mqtt: { usrname: a }", /'mqtt\.usrname'.*Did you mean "mqtt\.username"\?/],
    ["a duration that is none", "heartbeat: often", /heartbeat.*expected a duration such as "30s"/],
    ["a name that topics cannot have", "agent: a/b", /agent.*expected 1 to 64 letters/],
    ["another protocol", "mqtt: { url: 'http://h' }", /mqtt\.url.*expected mqtt:\/\/HOST:PORT or mqtts/],
    [
      "a password in the URL",
      "mqtt: { url: 'mqtt://u:hush@h' }",
      /expected no user or password in it; use mqtt\.username/,
    ],
    [
      "a password that stands here",
      "mqtt: { password: hush }",
      /mqtt\.password: a secret may not stand in this file; expected \$\{file:…\}/,
    ],
    ["a secret that is not there", "mqtt: { password: '${env:NONE}' }", /mqtt\.password: .*NONE/],
    [
      "a certificate that is not there",
      "mqtt: { ca: /nowhere/ca.pem }",
      /mqtt\.ca: cannot read \/nowhere\/ca\.pem; expected a PEM file/,
    ],
    ["a level that is none", "log: { level: loud }", /log\.level/],
    ["no YAML", "mqtt: [", /^settings\.yaml: /],
  ])("%s", (_what, text, expected) => {
    const { settings, problems } = read(text);
    expect(settings).toBeNull();
    expect(problems.join("\n")).toMatch(expected);
    expect(problems.join("\n")).not.toContain("hush");
  });

  test("all of them at once", () => {
    expect(read("heartbeat: often\nagent: a/b\nmqtt: { urll: x }").problems.length).toBeGreaterThanOrEqual(3);
  });
});

describe("secrets", () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["${file:FOLDER/password}", {}, "hush-hush"],
    ["${env:SECRET}", { SECRET: "hush-env" }, "hush-env"],
    ["${credential:mepwatch_mqtt}", { CREDENTIALS_DIRECTORY: "FOLDER" }, "hush-credential"],
  ])("%s is what it refers to", (reference, environment, expected) => {
    const here = (text: string): string => text.replace("FOLDER", folder);
    const filled = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, here(value)]));
    const { settings, problems } = read(`mqtt: { password: '${here(reference)}' }`, filled);
    expect(problems).toEqual([]);
    expect(settings?.mqtt.password?.reveal()).toBe(expected);
  });

  test("are shown nowhere", () => {
    const { settings } = read(`mqtt: { key: '${join(folder, "key.pem")}' }`, { MEPWATCH_MQTT_PASSWORD: "hush-env" });
    expect(settings?.mqtt.password?.reveal()).toBe("hush-env");
    expect(settings?.mqtt.key?.reveal()).toBe("hush-key");
    for (const shown of [JSON.stringify(settings), inspect(settings, { depth: 9 }), `${settings?.mqtt.password}`]) {
      expect(shown).not.toContain("hush");
    }
  });
});
