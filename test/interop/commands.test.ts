import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../agent/api/client.ts";
import type { SilenceSnapshot } from "../../agent/api/deeds.ts";
import type { StatusSnapshot } from "../../agent/api/status.ts";
import {
  type CommandName,
  isUntargeted,
  type ResultMessage,
  resultMessage,
  type Unsigned,
} from "../../agent/sinks/mqtt/commands.ts";
import { birthMessage } from "../../agent/sinks/mqtt/messages.ts";
import { signCommand } from "../../agent/sinks/mqtt/signature.ts";
import type { AuditLine } from "../../agent/store/audit.ts";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { mepwatch, type Running, until } from "../process.ts";
import { startMosquitto } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** A centre that commands `mepwatch run` through mosquitto; and a shell that does, as the README has it. */
const present = requireProgram("/usr/sbin/mosquitto");
const shell = ["/usr/bin/jq", "/usr/bin/openssl", "/usr/bin/mosquitto_pub"].every(requireProgram);

const profile = `
profile: contact
describe: An alarm contact.
protocol: modbus
class: test
interval: 200ms
points:
  c0: { address: { table: holding, register: 0 } }
rules:
  on: { type: state, point: c0, normal: [0], map: { "1": medium }, ackRequired: true, latch: true }
`;
const key = "s/r/c0/on";

let folder: string;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let simulator: RunningSimulator;
let centre: MqttClient;
let agent: Running;
let value = 1;
let environment: Record<string, string>;
const results = new Map<string, { topic: string; result: ResultMessage; correlation: Buffer | undefined }>();
const retained = new Map<string, number>();
let capabilities: readonly string[] = [];

const start = async (): Promise<void> => {
  agent = mepwatch(["run", "--config", join(folder, "site.yaml")], environment);
  await agent.line(/broker\.connected/);
};

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-centre-"));
  const point = {
    id: "r/c0",
    device: { unit: 1 },
    address: { table: "holding", register: 0, type: "u16", order: "ABCD" },
  };
  simulator = await startModbusSimulator({ host: "127.0.0.1", port: 0, points: [point], value: () => value });
  const bus = { protocol: "modbus", host: "127.0.0.1", port: simulator.port, timeout: "150ms" };
  const site = { version: 1, site: { id: "s" }, devices: [{ id: "r", profile: "contact", bus }] };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify(site));
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/contact.yaml"), profile);
  const lines: string[] = [];
  for (const [kid, role] of [
    ["centre-1", "supervisor"],
    ["fleet", "service"],
  ] as const) {
    const made = mepwatch(["keys", "make", kid, "--role", role, "--out", join(folder, `${kid}.pem`)]);
    expect(await made.ended).toBe(0);
    lines.push(...made.stdout);
  }
  writeFileSync(join(folder, "keys"), `# of the tests\n${lines.join("\n")}\n`);
  broker = await startMosquitto();
  centre = connect(broker.url, { protocolVersion: 5 });
  centre.on("message", (topic, payload, { retain, properties }) => {
    if (topic.endsWith("/status")) ({ capabilities } = birthMessage.parse(JSON.parse(payload.toString())));
    else if (topic.includes("reply/")) {
      const result = resultMessage.parse(JSON.parse(payload.toString()));
      results.set(result.cmdId, { topic, result, correlation: properties?.correlationData });
    } else if (!retain) retained.set(topic, (retained.get(topic) ?? 0) + 1);
  });
  for (const filter of ["reply/#", "s/a/reply/+", "s/a/status", "s/a/active/+", "s/a/silences", "s/a/blind"])
    await centre.subscribeAsync(`mepwatch/v1/${filter}`, { qos: 1 });
  environment = {
    MEPWATCH_MQTT_URL: broker.url,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_COMMAND_KEYS: join(folder, "keys"),
    MEPWATCH_LOCAL_ROLE: "supervisor",
  };
  await start();
  await until(async () => ((await get<StatusSnapshot>("/status")).incidents.length === 1 ? true : null));
});

afterAll(async () => {
  await agent?.kill("SIGKILL");
  await centre?.endAsync(true);
  await broker?.stop();
  await simulator?.close();
  if (folder) rmSync(folder, { recursive: true });
});

async function get<T>(path: string): Promise<T> {
  const answer = await ask(join(folder, "api.sock"), path);
  if (!answer.ok) throw new Error(answer.message);
  return answer.body as T;
}
const silenced = async (): Promise<string[]> =>
  (await get<SilenceSnapshot[]>("/silences")).map(({ how, mode }) => mode ?? how);

let count = 0;
function make<N extends CommandName>(name: N, also: Partial<Unsigned<N>>) {
  const [now, id] = [Date.now(), String(++count).padStart(12, "0")];
  const command = {
    ...{
      name,
      cmdId: `10000000-0000-4000-8000-${id}`,
      site: "s",
      agent: "a",
      nonce: `nonce-nonce-${id}`,
      kid: "centre-1",
    },
    ...{ issuedAt: new Date(now).toISOString(), exp: new Date(now + 50_000).toISOString() },
    ...{ issuedBy: { user: "kim", role: "supervisor" as const }, args: {} },
    ...(isUntargeted(name) ? {} : { target: { conditionKey: key } }),
    ...also,
  } as Unsigned<N>;
  return signCommand(command, createPrivateKey(readFileSync(join(folder, `${command.kid}.pem`))));
}
async function sent(command: { name: string; cmdId: string }, properties = {}) {
  results.delete(command.cmdId);
  await centre.publishAsync(`mepwatch/v1/s/a/cmd/${command.name}`, JSON.stringify(command), { qos: 1, properties });
  return until(() => results.get(command.cmdId) ?? null);
}

describe.skipIf(!present)("commands through mosquitto", () => {
  test("the birth says that it takes them", async () => {
    expect(await until(() => (capabilities.length > 0 ? capabilities : null))).toContain("command");
  });

  const service = { kid: "fleet", issuedBy: { user: "fleet", role: "service" } } as const;
  const why = { reason: "works" };
  const mode = { target: { selector: "device=r" }, args: { mode: "commissioning", duration_s: 60, ...why } };
  test.each<[CommandName, object, Partial<ResultMessage>, string[]]>([
    ["ping", service, { status: "ok" }, []],
    ["ack", { args: { comment: "on my way" } }, { status: "ok" }, []],
    ["unack", {}, { status: "ok" }, []],
    ["shelve", { args: { duration_s: 60, ...why } }, { status: "ok" }, ["shelved"]],
    ["unshelve", {}, { status: "ok" }, []],
    ["out_of_service", { args: why }, { status: "ok" }, ["out of service"]],
    ["in_service", {}, { status: "ok" }, []],
    ["maintenance.start", { args: { duration_s: 60, ...why } }, { status: "ok" }, ["maintenance"]],
    ["maintenance.end", {}, { status: "ok" }, []],
    ["mode.start", mode, { status: "ok" }, ["commissioning"]],
    ["mode.end", { ...mode, args: { mode: "commissioning" } }, { status: "ok" }, []],
    ["sensor_replaced", { args: { point: "r/c0", ...why } }, { status: "ok" }, []],
    [
      "replay",
      { ...service, args: { epoch: "10000000-0000-4000-8000-000000000000", from: 1, to: 2 } },
      { status: "accepted", available: [], lost: [[1, 2]] },
      [],
    ],
  ])("%s", async (name, also, expected, silences) => {
    const command = make(name, also);
    const { topic, result } = await sent(command);
    expect(topic).toBe(`mepwatch/v1/s/a/reply/${command.cmdId}`);
    expect(result, result.detail).toMatchObject({ name, ...expected });
    expect([...new Set(await silenced())]).toEqual(silences);
    const lines = await get<readonly AuditLine[]>("/audit?since=1h");
    expect(lines.at(-1)!.facts).toMatchObject({ cmdId: command.cmdId, kid: command.kid });
  });

  test("reset of what is over, latched and acknowledged", async () => {
    expect((await sent(make("ack", {}))).result.status).toBe("ok");
    value = 0;
    const result = await until(async () => {
      const { result } = await sent(make("reset", {}));
      return result.status === "ok" ? result : null;
    });
    expect(result.detail).toBe("done for 1 condition");
    expect((await get<StatusSnapshot>("/status")).incidents).toEqual([]);
    value = 1;
    await until(async () => ((await get<StatusSnapshot>("/status")).incidents.length === 1 ? true : null));
  });

  test("snapshot: all that is retained is said anew", async () => {
    retained.clear();
    expect((await sent(make("snapshot", service))).result.status).toBe("accepted");
    await until(() =>
      [...retained.keys()].some((topic) => topic.includes("/active/")) &&
      retained.has("mepwatch/v1/s/a/silences") &&
      retained.has("mepwatch/v1/s/a/blind")
        ? true
        : null,
    );
  });

  test("one that the broker keeps is refused, also while it is news", async () => {
    const command = make("shelve", { args: { duration_s: 60, ...why } });
    const topic = `mepwatch/v1/s/a/cmd/${command.name}`;
    await centre.publishAsync(topic, JSON.stringify(command), { qos: 1, retain: true });
    const { result } = await until(() => results.get(command.cmdId) ?? null);
    expect(result).toMatchObject({ status: "rejected", code: "retained" });
    expect(await silenced()).toEqual([]);
    await centre.publishAsync(topic, "", { qos: 1, retain: true });
  });

  test("answered on the response topic, with its correlation data", async () => {
    const properties = { responseTopic: "mepwatch/v1/reply/noc/1", correlationData: Buffer.from([1, 0, 255]) };
    const { topic, correlation } = await sent(make("ping", service), properties);
    expect([topic, correlation]).toEqual(["mepwatch/v1/reply/noc/1", Buffer.from([1, 0, 255])]);
  });

  test("killed and started again, it knows what it has done, and by which nonces", async () => {
    const command = make("ack", {});
    expect((await sent(command)).result.status).toBe("ok");
    expect((await sent(make("unack", {}))).result.status).toBe("ok");
    await agent.kill("SIGKILL");
    await start();
    expect((await sent(command)).result).toMatchObject({ status: "duplicate", first: "ok" });
    expect((await sent(make("ack", { nonce: command.nonce }))).result).toMatchObject({ code: "expired" });
    const [open] = (await get<StatusSnapshot>("/status")).incidents;
    expect(open).toBeDefined();
    expect((await sent(make("unack", {}))).result).toMatchObject({
      code: "invalid_state",
      detail: "it is not acknowledged",
    });
  });

  test.skipIf(!shell)("by a shell, as the README has it", async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, script = ""] = /```sh\n(key=centre-1[\s\S]*?)```/.exec(readme) ?? [];
    const own = script
      .replace("site=fra-1 agent=edge-1 broker=mqtt.example.com", `site=s agent=a broker=127.0.0.1:${broker.port}`)
      .replace("rack=F12", "device=r");
    results.clear();
    execFileSync("/bin/bash", ["-euo", "pipefail", "-c", own], { cwd: folder });
    const { result } = await until(() => [...results.values()][0] ?? null);
    expect(result).toMatchObject({ name: "shelve", status: "ok" });
    expect(await silenced()).toContain("shelved");
  });
});
