import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../agent/api/client.ts";
import type { StatusSnapshot } from "../../agent/api/status.ts";
import { builtInConfig, fromDisk, load } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import { realEnv } from "../../agent/env.ts";
import { withPorts } from "../../agent/simulate/ports.ts";
import { type SimulatedSite, simulate } from "../../agent/simulate/site.ts";
import { stories } from "../../agent/simulate/story.ts";
import { type EventMessage, eventMessage } from "../../agent/sinks/mqtt/messages.ts";
import { drivers } from "../../drivers/index.ts";
import { nameOf, wrongWith } from "../agent/sinks/mqtt/contract.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { startMosquitto } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** The demo's site watched by `mepwatch run`, its incidents taken by mosquitto, its traffic read by Wireshark. */
const tshark = "/usr/bin/tshark";
const present = ["/usr/sbin/mosquitto", tshark].every(requireProgram);
const template = join(builtInConfig(), "demo-site.yaml");

let folder: string;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let plant: SimulatedSite;
let site: Site;
let subscriber: MqttClient;
let agent: Running;
let capture: Running;
const events: EventMessage[] = [];
const heard: { topic: string; message: unknown }[] = [];

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-site-"));
  const loaded = load(template, fromDisk(template), drivers, () => ({ problem: "none is needed" }));
  if (loaded.site === null) throw new Error(JSON.stringify(loaded.problems));
  site = loaded.site;
  const story = stories.find(({ name }) => name === "outage")!;
  const options = { story, seed: 3, speed: 1, host: "127.0.0.1", anyPort: true };
  plant = await simulate(realEnv({ logLevel: "error" }), site, options);
  writeFileSync(join(folder, "site.yaml"), withPorts(readFileSync(template, "utf8"), plant.ports));
  const ports = [...plant.ports.values()].map((port) => `port ${port}`).join(" or ");
  capture = run(tshark, ["-i", "lo", "-q", "-w", join(folder, "lo.pcap"), "-f", ports]);
  await capture.line(/Capturing on/);
  broker = await startMosquitto();
  subscriber = connect(broker.url, { protocolVersion: 5 });
  subscriber.on("message", (topic, payload) => {
    const message = payload.length === 0 ? null : JSON.parse(payload.toString());
    heard.push({ topic, message });
    if (/\/(event|backfill)$/.test(topic)) events.push(eventMessage.parse(message));
  });
  await subscriber.subscribeAsync("mepwatch/v1/demo/a/#", { qos: 1 });
  agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: broker.url,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_HEARTBEAT: "5s",
    MEPWATCH_TELEMETRY_EVERY: "5s",
  });
});

afterAll(async () => {
  await agent?.kill("SIGTERM");
  await capture?.kill("SIGTERM");
  await subscriber?.endAsync(true);
  await broker?.stop();
  await plant?.close();
  if (folder) rmSync(folder, { recursive: true });
});

const told = (kind: string, key: string): EventMessage | null =>
  events.find(({ subject, data }) => subject === `demo/${key}` && data.kind === kind) ?? null;

async function status(): Promise<StatusSnapshot> {
  const answer = await ask(join(folder, "api.sock"), "/status");
  if (!answer.ok) throw new Error(answer.message);
  return answer.body as StatusSnapshot;
}

describe.skipIf(!present)("a whole site against what is not ours", () => {
  test.each([
    "ups-a/output-source/on-battery",
    "meter-incomer/voltage-l1/voltage-l1/low",
    "crac-2/running/stopped",
    "pdu-b1/inlet-temperature/inlet-rising",
    "pdu-b2/inlet-temperature/inlet-hot",
    "leak-1/status/leak#0",
  ])("%s is raised and cleared at mosquitto", async (key) => {
    const raised = await until(() => told("raise", key));
    const cleared = await until(() => told("clear", key));
    expect(cleared.data.incidentId).toBe(raised.data.incidentId);
    expect(Number(cleared.sequence)).toBeGreaterThan(Number(raised.sequence));
  });

  test("a device that stops is one comm incident, and no other device is read more rarely", async () => {
    plant.misbehave("crac-1", "silent");
    await until(() => told("raise", "crac-1/-/comm"));
    const seen = new Map<string, Set<string>>();
    const reads = (): number[] => [...seen].filter(([id]) => id !== "crac-1").map(([, all]) => all.size);
    await until(async () => {
      for (const { id, lastGoodAt } of (await status()).devices) {
        seen.set(id, (seen.get(id) ?? new Set()).add(lastGoodAt ?? "never"));
      }
      return Math.min(...reads()) >= 5 ? true : null;
    });
    const { devices } = await status();
    expect(devices.filter(({ answering }) => !answering).map(({ id }) => id)).toEqual(["crac-1"]);
    // All are read once a second; what is busy meanwhile, this machine or another, is so for all of them.
    expect(Math.max(...reads())).toBeLessThan(15);
    plant.misbehave("crac-1", "none");
    await until(() => told("clear", "crac-1/-/comm"));
    expect(events.filter(({ data }) => data.rule.type === "stale").map(({ subject }) => subject)).toEqual([]);
  });

  test("whatever the agent said is right by the schemas that are shipped", () => {
    const wrong = heard.flatMap(({ topic, message }) => {
      if (message === null && topic.includes("/active/")) return []; // deletes it
      const name = nameOf(topic, message);
      const why = name === undefined ? "no message of the contract" : wrongWith(name, message);
      return why === "" ? [] : [[topic, why]];
    });
    expect(wrong).toEqual([]);
    const channels = new Set(heard.map(({ topic }) => topic.split("/")[4]));
    expect([...channels].sort()).toEqual(expect.arrayContaining(["active", "blind", "event", "heartbeat", "silences"]));
    expect([...channels]).toEqual(expect.arrayContaining(["diag", "status", "telemetry"]));
  });

  test("Wireshark reads all three protocols and finds no malformed frame", async () => {
    await capture.kill("SIGTERM");
    const dissectors = { modbus: ["tcp", "mbtcp"], snmp: ["udp", "snmp"], bacnet: ["udp", "bvlc"] } as const;
    const decode = site.buses.flatMap(({ id, driver }) => {
      const [transport, dissector] = dissectors[driver.protocol as keyof typeof dissectors];
      return ["-d", `${transport}.port==${plant.ports.get(id)},${dissector}`];
    });
    const frames = (filter: string): string[] =>
      execFileSync(tshark, ["-r", join(folder, "lo.pcap"), ...decode, "-Y", filter], {
        stdio: ["ignore", "pipe", "ignore"],
      })
        .toString()
        .split("\n")
        .filter((line) => line !== "");
    expect(frames("_ws.malformed || _ws.expert.severity == error")).toEqual([]);
    for (const filter of ["modbus.func_code == 4", "snmp.data == 2", "bacapp.confirmed_service == 14"]) {
      expect(frames(filter).length, filter).toBeGreaterThan(20);
    }
  });
});
