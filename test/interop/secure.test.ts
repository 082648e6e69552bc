import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** mosquitto as a careful site runs it: TLS both ways, the certificate's name is the user, and each may do little. */
const present = ["/usr/sbin/mosquitto", "/usr/bin/openssl"].every(requireProgram);
const rules = `
user centre
topic readwrite mepwatch/#
user edge
topic write mepwatch/v1/s/a/#
topic deny mepwatch/v1/s/a/ack
topic read mepwatch/v1/s/a/cmd/#
topic read mepwatch/v1/s/a/ack
topic read mepwatch/v1/STATE/#
`;

let folder: string;
let url: string;
let broker: Running;
let centre: MqttClient;
let simulator: RunningSimulator;
let value = 0;
const heard: { topic: string; text: string }[] = [];
const agents: Running[] = [];
const at = (name: string): string => join(folder, name);

function certify(name: string, more: readonly string[] = []): void {
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const signer = name === "ca" ? ["-x509"] : ["-CA", at("ca.pem"), "-CAkey", at("ca.key")];
  const out = ["-keyout", at(`${name}.key`), "-out", at(`${name}.pem`)];
  execFileSync("openssl", ["req", "-x509", ...ec, ...signer, "-subj", `/CN=${name}`, ...more, ...out], {
    stdio: "ignore",
  });
}

const asUser = (name: string): IClientOptions => ({
  ...{ protocolVersion: 5, ca: readFileSync(at("ca.pem")), reconnectPeriod: 0 },
  ...{ cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) },
});

function start(store: string, also: Record<string, string>): Running {
  const agent = mepwatch(["run", "--config", at("site.yaml")], {
    MEPWATCH_MQTT_URL: url,
    MEPWATCH_MQTT_CA: at("ca.pem"),
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: at(store),
    MEPWATCH_SOCKET: at(`${store}.sock`),
    ...also,
  });
  agents.push(agent);
  return agent;
}

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "secure-"));
  for (const name of ["ca", "edge", "centre"]) certify(name);
  certify("broker", ["-addext", "subjectAltName=IP:127.0.0.1"]);
  const port = await freePort();
  url = `mqtts://127.0.0.1:${port}`;
  writeFileSync(at("acl"), rules);
  const tls = ["cafile ca", "certfile broker", "keyfile broker"].map((line) => {
    const [option = "", name = ""] = line.split(" ");
    return `${option} ${at(`${name}.${option === "keyfile" ? "key" : "pem"}`)}`;
  });
  const config = [
    ...[`listener ${port} 127.0.0.1`, ...tls, "require_certificate true", "use_identity_as_username true"],
    ...[`acl_file ${at("acl")}`, "allow_anonymous false", "log_dest stderr", "user root"],
  ];
  writeFileSync(at("mosquitto.conf"), `${config.join("\n")}\n`);
  broker = run("/usr/sbin/mosquitto", ["-c", at("mosquitto.conf")]);
  await broker.line(/running/);
  centre = connect(url, asUser("centre"));
  centre.on("message", (topic, payload) => heard.push({ topic, text: payload.toString() }));
  await centre.subscribeAsync("mepwatch/#", { qos: 1 });
  const address = { table: "holding", register: 0, type: "u16", order: "ABCD" };
  const point = { id: "m/c", device: { unit: 1 }, address };
  simulator = await startModbusSimulator({ host: "127.0.0.1", port: 0, points: [point], value: () => value });
  const bus = { protocol: "modbus", host: "127.0.0.1", port: simulator.port };
  const site = { version: 1, site: { id: "s" }, devices: [{ id: "m", profile: "relay", bus, address: { unit: 1 } }] };
  writeFileSync(at("site.yaml"), JSON.stringify(site));
  mkdirSync(at("profiles"));
  const profile = { profile: "relay", describe: "A contact.", protocol: "modbus", class: "test", interval: "100ms" };
  const rule = { type: "state", point: "c", normal: [0], map: { "1": "high" }, ackRequired: false };
  const points = { c: { address: { table: "holding", register: 0 } } };
  writeFileSync(at("profiles/relay.yaml"), JSON.stringify({ ...profile, points, rules: { on: rule } }));
});

afterAll(async () => {
  for (const agent of agents) await agent.kill("SIGKILL");
  await centre?.endAsync(true);
  await simulator?.close();
  await broker?.kill("SIGTERM");
  if (folder) rmSync(folder, { recursive: true });
});

test.skipIf(!present)("an agent with its certificate says all it has to say, and hears the centre", async () => {
  const presence = { online: false, timestamp: "2026-01-01T00:00:00.000Z", sessionId: crypto.randomUUID() };
  const state = (online: boolean, second: number) =>
    JSON.stringify({ ...presence, online, timestamp: `2026-01-01T00:00:0${second}.000Z` });
  await centre.publishAsync("mepwatch/v1/STATE/noc", state(false, 1), { qos: 1, retain: true });
  const mine = { MEPWATCH_MQTT_CERT: at("edge.pem"), MEPWATCH_MQTT_KEY: at("edge.key"), MEPWATCH_MQTT_CENTRE: "noc" };
  const agent = start("right.db", mine);
  await until(
    () => heard.find(({ topic, text }) => topic.endsWith("/status") && text.includes('"online":true')) ?? null,
  );
  value = 1;
  await agent.line(/centre\.away/);
  const told = (kind: string) =>
    heard.filter(({ topic, text }) => /event$/.test(topic) && text.includes(`"kind":"${kind}"`));
  expect(told("raise")).toEqual([]);
  await centre.publishAsync("mepwatch/v1/STATE/noc", state(true, 2), { qos: 1, retain: true });
  await until(() => (told("raise").length > 0 ? true : null));
  value = 0;
  await until(() => (told("clear").length > 0 ? true : null));
  expect(heard.some(({ topic }) => topic.startsWith("mepwatch/v1/s/a/active/"))).toBe(true);
  await agent.kill("SIGTERM");
  await until(() => heard.find(({ text }) => text.includes('"reason":"shutdown"')) ?? null);
});

test.skipIf(!present).each([
  ["no certificate", {}, /broker\.(away|refused)/],
  ["a certificate that is none", { MEPWATCH_MQTT_CERT: "acl", MEPWATCH_MQTT_KEY: "edge.key" }, /broker\.away/],
])("%s: kept out, told of, and all is kept", async (name, files, why) => {
  const also = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, at(String(file))]));
  const agent = start(`${name.replaceAll(" ", "-")}.db`, also);
  expect(await agent.line(why)).not.toContain("PRIVATE KEY");
  expect(agent.child.exitCode).toBeNull();
});
