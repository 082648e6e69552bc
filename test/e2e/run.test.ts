import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IncidentSnapshot } from "../../agent/api/incidents.ts";
import type { KpiSnapshot } from "../../agent/api/kpi.ts";
import type { StatusSnapshot } from "../../agent/api/status.ts";
import type { TrendSnapshot } from "../../agent/api/trend.ts";
import type { AuditLine } from "../../agent/store/audit.ts";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { mepwatch, type Running, until } from "../process.ts";

/** The service as an operator meets it: a process with a site file, a broker that may be away, and a local socket. */
const profile = `
profile: meter
describe: One register.
protocol: modbus
class: meter
interval: 100ms
points:
  load: { address: { table: holding, register: 0 }, unit: kW, scale: 0.1 }
rules:
  high: { type: level, point: load, levels: [{ limit: 10, deadband: 1, severity: high }] }
  comm: { type: comm, failures: 3 }
`;

let folder: string;
let simulator: RunningSimulator;
let load: number;
const running: Running[] = [];
const clients: MqttClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-run-"));
  load = 50;
  const address = { table: "holding", register: 0, type: "u16", order: "ABCD" };
  const points = [{ id: "m/load", device: { unit: 1 }, address }];
  simulator = await startModbusSimulator({ host: "127.0.0.1", port: 0, points, value: () => load });
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/meter.yaml"), profile);
  writeSite({});
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  for (const one of running.splice(0).reverse()) await one.kill("SIGKILL");
  await simulator.close();
  rmSync(folder, { recursive: true });
});

function writeSite(also: object): void {
  const bus = { protocol: "modbus", host: "127.0.0.1", port: simulator.port, timeout: "200ms" };
  const devices = [{ id: "m", name: "Meter", profile: "meter", bus, ...also }];
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, devices }));
}

async function broker(port = 0): Promise<{ url: string; port: number; process: Running }> {
  const process = mepwatch(["broker", "--port", String(port)]);
  running.push(process);
  const ready = JSON.parse(await process.line(/port/));
  return { url: `mqtt://127.0.0.1:${ready.port}`, port: ready.port, process };
}

interface Heard {
  readonly topic: string;
  readonly body: { online?: boolean; reason?: string; type?: string; subject?: string; data?: { text: string } } | null;
}

const isEvent = ({ topic, body }: Heard, type: string, key: string): boolean =>
  /\/(event|backfill)$/.test(topic) && body?.type === `mepwatch.incident.${type}` && body.subject === key;

async function listen(url: string): Promise<{ all: Heard[]; event(type: string, key: string): Promise<Heard> }> {
  const client = connect(url, { protocolVersion: 4 });
  clients.push(client);
  const all: Heard[] = [];
  client.on("message", (topic, payload) => {
    all.push({ topic, body: payload.length === 0 ? null : JSON.parse(payload.toString()) });
  });
  await client.subscribeAsync("mepwatch/v1/s/#", { qos: 1 });
  const event = (type: string, key: string): Promise<Heard> =>
    until(() => all.find((one) => isEvent(one, type, key)) ?? null);
  return { all, event };
}

function agent(url: string, level = "info", store = join(folder, "store.db")): Running {
  const process = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: url,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: store,
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_LOG_LEVEL: level,
  });
  running.push(process);
  return process;
}

/** Null while no agent answers. */
const silencesOf = async (): Promise<readonly unknown[] | null> =>
  ((await ask("silences").catch(() => null)) as readonly unknown[] | null) ?? null;

async function ask(...args: readonly string[]): Promise<unknown> {
  const asked = mepwatch([...args, "--json", "--socket", join(folder, "api.sock")]);
  await asked.ended;
  return JSON.parse(asked.stdout.join(""));
}

describe("mepwatch run", { concurrent: false }, () => {
  test("raises, shows and clears; SIGTERM ends it with a good-bye", async () => {
    const { url } = await broker();
    const centre = await listen(url);
    const service = agent(url);
    await until(() => centre.all.find(({ body }) => body?.online === true) ?? null);
    load = 123;
    const raised = await centre.event("raised", "s/m/load/high");
    expect(raised.body?.data?.text).toMatch(/^Meter load 12.3 kW \(limit 10\) since \d\d:\d\d\.$/);
    expect(await ask("read", "m/load")).toMatchObject([{ point: "m/load", number: 12.3, value: "12.3 kW" }]);
    const trend = (await ask("trend", "m/load", "--since", "1m")) as TrendSnapshot;
    expect(trend.buckets.findLast(({ max }) => max !== null)).toMatchObject({ max: 12.3 });
    const { incidents } = (await ask("incident", "m/high")) as IncidentSnapshot;
    expect(incidents[0]?.evidence).toMatchObject([{ point: "m/load", unit: "kW", role: "input", isWhole: false }]);
    expect(incidents[0]?.evidence[0]?.samples.map(([, value]) => value)).toContain(12.3);
    expect(await until(async () => shown((await ask("status")) as StatusSnapshot))).toMatchObject({
      site: "s",
      broker: { connected: true },
      devices: [{ id: "m", answering: true, fault: null }],
      incidents: [{ conditionKey: "s/m/load/high", severity: "high" }],
    });
    load = 50;
    await centre.event("cleared", "s/m/load/high");
    service.child.kill("SIGTERM");
    expect(await service.ended).toBe(0);
    await until(() => centre.all.find(({ body }) => body?.reason === "shutdown") ?? null);
    const asked = mepwatch(["status", "--socket", join(folder, "api.sock")]);
    expect(await asked.ended).toBe(69);
    expect(asked.stderr.join("\n")).toMatch(/api\.sock/);
  });

  test("a technician acknowledges, shelves and is told why not; it is so after a kill, too", async () => {
    const { url } = await broker();
    const centre = await listen(url);
    const service = agent(url);
    await until(() => centre.all.find(({ body }) => body?.online === true) ?? null);
    load = 123;
    await centre.event("raised", "s/m/load/high");
    const told = async (...args: readonly string[]) => {
      const asked = mepwatch([...args, "--socket", join(folder, "api.sock"), "--user", "ana"]);
      return { code: await asked.ended, out: asked.stdout.join("\n"), err: asked.stderr.join("\n") };
    };
    expect(await told("ack", "m", "--preview")).toMatchObject({ code: 0, out: "s/m/load/high: is meant" });
    expect(await told("ack", "m")).toMatchObject({ code: 0, out: "s/m/load/high: done" });
    expect((await centre.event("acked", "s/m/load/high")).body?.data).toMatchObject({
      acked: true,
      ackedBy: "ana",
    });
    expect(await told("reset", "m/high")).toMatchObject({
      code: 1,
      err: "s/m/load/high: refused, it is still active (invalid_state)",
    });
    expect(await told("ack", "m/hihg")).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean "high"') });
    expect(await told("shelve", "zone=east", "--for", "1h", "--reason", "works")).toMatchObject({
      code: 1,
      err: "selector zone=east selects nothing; expected what devices and rules have",
    });
    expect(await told("out-of-service", "m", "--reason", "old")).toMatchObject({
      code: 1,
      err: expect.stringContaining("a technician may not; expected supervisor (forbidden)"),
    });
    expect(await told("shelve", "device=m rule=high", "--for", "1h", "--reason", "works")).toMatchObject({ code: 0 });
    await centre.event("shelved", "s/m/load/high");
    const before = await ask("silences");
    expect(before).toMatchObject([{ conditionKey: "s/m/load/high", how: "shelved", by: "ana", reason: "works" }]);
    await service.kill("SIGKILL");
    agent(url);
    await until(async () => (await silencesOf())?.length === 1 || null);
    load = 50;
    expect((await centre.event("cleared", "s/m/load/high")).body?.data).toMatchObject({
      annunciate: false,
      silencedBy: "ana",
      silencedFor: "works",
    });
    const lines = (await ask("audit")) as readonly AuditLine[];
    expect(lines.map(({ by, what, facts }) => `${by} ${what} ${facts.obeyed ?? ""}`)).toEqual([
      "agent start ",
      ...["ack 1", "reset 0", "ack 0", "shelve 0", "out_of_service 0", "shelve 1"].map((deed) => `ana ${deed}`),
      "agent start ",
    ]);
    const verified = async (...args: readonly string[]) => {
      const asked = mepwatch(["audit", "verify", ...args]);
      return { code: await asked.ended, out: asked.stdout.join("\n"), err: asked.stderr.join("\n") };
    };
    const whole = await verified("--socket", join(folder, "api.sock"));
    expect(whole).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^8 lines, the chain is whole; head [0-9a-f]{64}$/),
    });
    const audit = readdirSync(folder).find((name) => name.endsWith("-audit"))!;
    const [file] = readdirSync(join(folder, audit));
    const path = join(folder, audit, file!);
    writeFileSync(path, readFileSync(path, "utf8").replace('"by":"ana"', '"by":"eve"'));
    expect(await verified(join(folder, audit))).toMatchObject({
      code: 1,
      out: expect.stringContaining("the chain is BROKEN"),
      err: expect.stringContaining(":2: line 2 is not what was written"),
    });
    expect(await verified(join(folder, "nowhere"))).toMatchObject({ code: 2 });
  });

  test("a broker that is away is reported once; what happened meanwhile arrives, in order, when it is back", async () => {
    const first = await broker();
    await first.process.kill("SIGKILL");
    const service = agent(first.url);
    await service.line(/broker\.away/);
    load = 123;
    await until(async () => (((await ask("status")) as StatusSnapshot).buffer.depth === 1 ? true : null));
    load = 50;
    await until(async () => (((await ask("status")) as StatusSnapshot).buffer.depth === 2 ? true : null));
    const { trouble } = ((await ask("status")) as StatusSnapshot).broker;
    expect(trouble).toMatch(/ECONNREFUSED/);
    // Held still until somebody listens: MQTT 3.1.1 does not say when nobody does.
    service.child.kill("SIGSTOP");
    await broker(first.port);
    const centre = await listen(first.url);
    service.child.kill("SIGCONT");
    await centre.event("cleared", "s/m/load/high");
    const events = centre.all.filter(({ topic }) => /\/(event|backfill)$/.test(topic)).map(({ body }) => body?.type);
    expect(events).toEqual(["mepwatch.incident.raised", "mepwatch.incident.cleared"]);
    const told = service.stderr.map((line) => JSON.parse(line).code).filter((code) => code.startsWith("broker"));
    expect(told).toEqual(["broker.away", "broker.connected"]);
    await until(async () => (((await ask("status")) as StatusSnapshot).buffer.depth === 0 ? true : null));
  });

  test("tells how its alarms did", async () => {
    const service = agent("mqtt://127.0.0.1:1");
    await service.line(/broker\.away/);
    load = 123;
    await until(async () => (((await ask("status")) as StatusSnapshot).incidents[0] === undefined ? null : true));
    const { kpis, site } = (await ask("kpi")) as KpiSnapshot;
    expect(site).toBe("s");
    expect(kpis.find(({ name }) => name === "rate_max")).toMatchObject({
      value: 1,
      target: { is: "at most", value: 10 },
      met: true,
    });
    const asked = mepwatch(["kpi", "--socket", join(folder, "api.sock")]);
    expect(await asked.ended).toBe(0);
    expect(asked.stdout.join("\n")).toMatch(/calls in 10 min, most +1 +at most 10 +met\n/);
  });

  test("says why something is, or is not, an alarm", async () => {
    const service = agent("mqtt://127.0.0.1:1");
    await service.line(/broker\.away/);
    const explain = async (...args: readonly string[]) => {
      const asked = mepwatch(["explain", ...args, "--socket", join(folder, "api.sock")]);
      return { code: await asked.ended, text: asked.stdout.join("\n"), told: asked.stderr.join("\n") };
    };
    await until(async () => (((await ask("status")) as StatusSnapshot).points.good === 1 ? true : null));
    expect(await explain("m/high")).toMatchObject({
      code: 0,
      text: expect.stringMatching(
        /^Meter high: NORMAL – 5 kW, within its limits\n.*\n +high +above 10 kW, clears at 9 kW +not met\n/,
      ),
    });
    load = 123;
    const isRaised = (status: StatusSnapshot): string | null => status.incidents[0]?.incidentId ?? null;
    const id = await until(async () => isRaised((await ask("status")) as StatusSnapshot));
    for (const target of ["m/load", "s/m/load/high", id]) {
      expect(await ask("explain", target)).toMatchObject({
        site: "s",
        timeZone: "UTC",
        conditions: [
          {
            key: "s/m/load/high",
            state: "active",
            why: "beyond-limit",
            inputs: [{ point: "m/load", name: "load", value: 12.3, text: "12.3 kW", quality: "good" }],
            measure: { text: "12.3 kW" },
            levels: [{ limitText: "10 kW", clearsAtText: "9 kW", active: true, waiting: null }],
            incident: { incidentId: id, severity: "high", text: expect.stringMatching(/^Meter load 12.3 kW/) },
          },
        ],
      });
    }
    simulator.misbehave("silent");
    await until(async () => ((await explain("m/high")).text.includes("does not answer") ? true : null));
    const unknown = await explain("m/hihg");
    expect(unknown).toMatchObject({ code: 1, text: "", told: expect.stringMatching(/Did you mean "high"\?/) });
    await service.kill("SIGTERM");
    expect((await explain("m")).code).toBe(69);
  });

  test("the next shift is told what happened, also when it is over and the agent was killed since", async () => {
    const { url } = await broker();
    const centre = await listen(url);
    const service = agent(url);
    await service.line(/broker\.connected/);
    await until(async () => (((await ask("status")) as StatusSnapshot).points.good === 1 ? true : null));
    load = 123;
    const raised = await centre.event("raised", "s/m/load/high");
    expect(raised.body?.data).toMatchObject({ context: expect.arrayContaining([[expect.any(Number), 12.3, "good"]]) });
    const told = async (...args: readonly string[]) => {
      const asked = mepwatch([...args, "--socket", join(folder, "api.sock")]);
      return { code: await asked.ended, out: asked.stdout.join("\n"), err: asked.stderr.join("\n") };
    };
    expect(await told("incidents")).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^high +\d\d:\d\d:\d\d {2}Meter load 12\.3 kW .*\n +s\/m\/load\/high: active, nobody attends$/,
      ),
    });
    expect((await told("ack", "m", "--user", "ana")).code).toBe(0);
    load = 50;
    await centre.event("closed", "s/m/load/high");
    // Whoever asks has the samples of the last seconds written; a kill before may cost them.
    expect(await told("incident", "m/high")).toMatchObject({ code: 0 });
    await service.kill("SIGKILL");
    agent(url);
    const incident = await until(async () => {
      const { out } = await told("incident", "m/high");
      return out.includes("now NORMAL") ? out : null;
    });
    expect(incident).toMatch(/^high {2}Meter load 12\.3 kW/);
    expect(incident).toMatch(/before it was raised, \d+ s: [▁▂▃▄▅▆▇█·]+ {2}5 kW … 12\.3 kW, limit 10 kW\n/);
    expect(incident).toMatch(/15 min after:\n {4}load {2}[^\n|]{15}\|[^\n|]{15} {2}5 kW … 12\.3 kW\n/);
    expect(incident).toMatch(
      / raised +high\n.* acknowledged +high +by ana\n.* cleared +high\n.* closed +high\n {2}now NORMAL – /,
    );
    expect(await told("incident", "m/comm")).toMatchObject({ code: 1, err: expect.stringContaining("no incident") });
    expect(await told("handover", "--since", "1h")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Site s, .* \(UTC\)\n +RAISED +CLEARED +STILL OPEN\nhigh +1 +1 +0\n/),
    });
    expect(await ask("handover")).toMatchObject({ site: "s", open: [], silences: [], restless: [] });
    expect(await told("handover", "--since", "yesterday")).toMatchObject({ code: 2 });
  });

  test("a first configuration with errors is refused with all of them", async () => {
    writeSite({ profile: "metre", intervall: "1s" });
    const service = agent("mqtt://127.0.0.1:1");
    expect(await service.ended).toBe(78);
    expect(service.stderr.join("\n")).toMatch(/site\.yaml:1:\d+: devices\.0.*intervall.*interval/);
    expect(service.stderr.join("\n")).toMatch(/no profile "metre"; expected/);
    expect(service.stdout).toEqual([]);
  });

  test("a later one with errors blinds nobody: the last accepted one goes on, and says so until it is mended", async () => {
    const { url } = await broker();
    const centre = await listen(url);
    const good = agent(url);
    await good.line(/broker\.connected/);
    await good.kill("SIGTERM");
    writeSite({ profile: "metre" });
    const service = agent(url);
    const rejected = await centre.event("raised", "s/agent/-/config_rejected");
    expect(rejected.body?.data?.text).toMatch(/configuration refused.*mepwatch validate/);
    load = 123;
    await centre.event("raised", "s/m/load/high");
    expect(((await ask("status")) as StatusSnapshot).configRejected).toBe(true);
    expect(service.stderr.join("\n")).toMatch(/metre/);
    await service.kill("SIGTERM");
    writeSite({});
    agent(url);
    await centre.event("cleared", "s/agent/-/config_rejected");
  });

  test("a file that stands where the socket should be is left alone, and the service runs without a local API", async () => {
    const { url } = await broker();
    writeFileSync(join(folder, "api.sock"), "precious");
    const service = agent(url);
    const told = await service.line(/no local API/);
    expect(told).toMatch(/api\.sock: there is something else than a socket at this path\. Set MEPWATCH_SOCKET/);
    await service.line(/broker\.connected/);
    expect(readFileSync(join(folder, "api.sock"), "utf8")).toBe("precious");
  });

  test("what it cannot have is told with its remedy: a store that another agent uses, or a folder that is not there", async () => {
    const first = agent("mqtt://127.0.0.1:1");
    await first.line(/broker\.away/);
    const second = agent("mqtt://127.0.0.1:1");
    expect(await second.ended).toBe(1);
    expect(second.stderr.join("\n")).toMatch(
      /store .*store\.db cannot be opened: .*locked.*Another mepwatch runs on it/,
    );
    expect(((await ask("status")) as StatusSnapshot).site).toBe("s");
    await first.kill("SIGKILL");
    const third = agent("mqtt://127.0.0.1:1", "info", join(folder, "not", "there", "store.db"));
    expect(await third.ended).toBe(1);
    expect(third.stderr.join("\n")).toMatch(/store .*store\.db cannot be opened: .*Set MEPWATCH_STORE/);
  });

  test("a device that falls silent, then talks rubbish, is one comm incident until it answers again", async () => {
    const { url } = await broker();
    const centre = await listen(url);
    const service = agent(url);
    await service.line(/broker\.connected/);
    await until(async () => (((await ask("status")) as StatusSnapshot).points.good === 1 ? true : null));
    simulator.misbehave("silent");
    await centre.event("raised", "s/m/-/comm");
    simulator.misbehave("rubbish");
    expect(await ask("read", "m")).toMatchObject([{ point: "m/load", value: null, quality: "bad" }]);
    simulator.misbehave("error");
    await centre.event("cleared", "s/m/-/comm");
    // It answers, but tells nothing: that is not a good read.
    const [device] = ((await ask("status")) as StatusSnapshot).devices;
    expect(device).toMatchObject({ answering: true, fault: expect.stringMatching(/exception/) });
    simulator.misbehave("none");
    await until(async () => (((await ask("status")) as StatusSnapshot).points.good === 1 ? true : null));
    const events = centre.all.filter(({ topic }) => /\/(event|backfill)$/.test(topic));
    expect(events.map(({ body }) => body?.type)).toEqual(["mepwatch.incident.raised", "mepwatch.incident.cleared"]);
  });
});

/** The incident reaches the subscriber and the local status independently of each other. */
const shown = (status: StatusSnapshot): StatusSnapshot | null => (status.incidents.length > 0 ? status : null);
