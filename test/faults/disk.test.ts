import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusSnapshot } from "../../agent/api/status.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { startMosquitto } from "../interop/mosquitto.ts";
import { requireProgram } from "../interop/programs.ts";
import { mepwatch, type Running, run, until } from "../process.ts";

/** Disks that are full, fail, cannot be written, or bring back what nobody wrote: what happens is told all the same. */
const mosquitto = "/usr/sbin/mosquitto";
const strace = "/usr/bin/strace";
const mounter = "/usr/bin/mount";
const unmounter = "/usr/bin/umount";
/** Root may mount a small disk, if the machine lets it; and trace a process that is not its child. */
const mayMount = tried("a small disk cannot be mounted", () => {
  const place = mkdtempSync(join(tmpdir(), "mepwatch-mount-"));
  try {
    execFileSync(mounter, ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "ignore" });
    execFileSync(unmounter, [place]);
  } finally {
    rmdirSync(place);
  }
});
const mayTrace =
  mayMount &&
  requireProgram(strace) &&
  tried("strace may trace nothing", () => execFileSync(strace, ["-o", "/dev/null", "true"]));

function tried(otherwise: string, deed: () => void): boolean {
  try {
    deed();
    return true;
  } catch {
    console.warn(`skipped: ${otherwise}; it takes root`);
    return false;
  }
}

const profile = `
profile: relay
describe: Alarm contacts.
protocol: modbus
class: test
interval: 200ms
points:
${[0, 1, 2, 3].map((i) => `  c${i}: { address: { table: holding, register: ${i} } }`).join("\n")}
rules:
  on: { type: state, point: "*", normal: [0], map: { "1": medium }, ackRequired: false }
`;

let folder: string;
let disk: string;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let simulator: RunningSimulator;
let subscriber: MqttClient;
let agent: Running | null;
let tracer: Running | null;
let isMounted: boolean;
const values = new Map<string, number>();
/** By id of the message: what a centre has that drops duplicates. */
const heard = new Map<string, EventRecord>();

beforeEach(async () => {
  if (!requireProgram(mosquitto)) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-disk-"));
  disk = join(folder, "disk");
  mkdirSync(disk);
  [agent, tracer, isMounted] = [null, null, false];
  values.clear();
  heard.clear();
  simulator = await startModbusSimulator({
    host: "127.0.0.1",
    port: 0,
    points: [0, 1, 2, 3].map((register) => ({
      id: `r/c${register}`,
      device: { unit: 1 },
      address: { table: "holding", register, type: "u16", order: "ABCD" },
    })),
    value: (id) => values.get(id) ?? 0,
  });
  broker = await startMosquitto();
  subscriber = connect(broker.url, { protocolVersion: 5 });
  subscriber.on("message", (_topic, payload) => {
    const { id, data } = JSON.parse(payload.toString());
    heard.set(id, data);
  });
  await subscriber.subscribeAsync(["mepwatch/v1/+/+/event", "mepwatch/v1/+/+/backfill"], { qos: 1 });
  const bus = { protocol: "modbus", host: "127.0.0.1", port: simulator.port, timeout: "150ms" };
  writeFileSync(
    join(folder, "site.yaml"),
    JSON.stringify({ version: 1, site: { id: "s" }, devices: [{ id: "r", profile: "relay", bus }] }),
  );
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/relay.yaml"), profile);
});
afterEach(async () => {
  await tracer?.kill("SIGTERM");
  await agent?.kill("SIGKILL");
  await subscriber?.endAsync(true);
  await broker?.stop();
  await simulator?.close();
  if (isMounted) execFileSync(unmounter, ["--lazy", disk]);
  if (folder) rmSync(folder, { recursive: true });
});

const environment = (): Record<string, string> => ({
  MEPWATCH_MQTT_URL: broker.url,
  MEPWATCH_MQTT_BACKFILL: "0",
  MEPWATCH_AGENT: "a",
  MEPWATCH_STORE: join(disk, "store.db"),
  MEPWATCH_STORE_QUOTA: "32",
  MEPWATCH_SOCKET: join(folder, "api.sock"),
  MEPWATCH_LOG_LEVEL: "info",
});
const start = async (): Promise<Running> => {
  agent = mepwatch(["run", "--config", join(folder, "site.yaml")], environment());
  await agent.line(/broker\.connected/);
  return agent;
};
const stop = async (signal: NodeJS.Signals): Promise<void> => {
  await agent?.kill(signal);
};
const ask = async (...args: readonly string[]): Promise<string> => {
  const asked = mepwatch([...args], environment());
  await asked.ended;
  return asked.stdout.join("\n");
};
const status = async (): Promise<StatusSnapshot> => JSON.parse(await ask("status", "--json")) as StatusSnapshot;
const degraded = async (): Promise<string | null> => (await status()).storage.degraded;
const recovered = (): Promise<true> => until(async () => ((await degraded()) === null ? true : null));

const told = (key: string, kind: string): EventRecord[] =>
  [...heard.values()].filter((one) => one.conditionKey === `s/${key}` && one.kind === kind);
const hears = (key: string, kind: string, times = 1): Promise<EventRecord> =>
  until(() => told(key, kind)[times - 1] ?? null);
const contact = (i: number, value: 0 | 1): void => void values.set(`r/c${i}`, value);
const own = "agent/-";

/** Each event once: one identity from raise to clear, revisions without a hole, numbers of an epoch without one too. */
function expectNothingDoubled(): void {
  const all = [...heard.values()];
  const revisions = all.map(({ incidentId, rev }) => `${incidentId} ${rev}`);
  expect(new Set(revisions).size).toBe(revisions.length);
  for (const epoch of new Set(all.map((one) => one.epoch))) {
    const seqs = all.flatMap((one) => (one.epoch === epoch ? [one.seq] : [])).sort((a, b) => a - b);
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
  }
}

const mount = (options: string): void => {
  execFileSync(mounter, ["-t", "tmpfs", "-o", options, "tmpfs", disk]);
  isMounted = true;
};
/** As another process that needs all there is. */
const fill = (name: string): void => {
  const filler = 'head -c 64M /dev/zero > "$0" 2>/dev/null || true';
  execFileSync("sh", ["-c", filler, join(disk, name)]);
};

describe.skipIf(!requireProgram(mosquitto))("a disk that", () => {
  test.skipIf(!mayMount)(
    "is full: the ballast helps at first, then memory; it goes on by itself when there is room again",
    async () => {
      mount("size=8m");
      await start();
      contact(0, 1);
      await hears("r/c0/on", "raise");
      expect(readdirSync(disk)).toContain("store.db-ballast");
      fill("other");
      // Fills what the log had taken before; each turn is an alarm that must be heard.
      for (let turn = 1; (await degraded()) === null; turn++) {
        contact(1, 1);
        await hears("r/c1/on", "raise", turn);
        contact(1, 0);
        await hears("r/c1/on", "clear", turn);
        fill(`more-${turn}`);
      }
      expect(readdirSync(disk)).not.toContain("store.db-ballast");
      expect((await hears(`${own}/storage_degraded`, "raise")).severity).toBe("high");
      expect(await ask("status")).toMatch(/storage degraded \(SQLITE_FULL/);
      contact(2, 1);
      const raise = await hears("r/c2/on", "raise");
      contact(0, 0);
      expect((await hears("r/c0/on", "clear")).incidentId).toBe(told("r/c0/on", "raise")[0]!.incidentId);
      for (const name of readdirSync(disk)) if (name === "other" || name.startsWith("more-")) rmSync(join(disk, name));
      await recovered();
      await stop("SIGKILL");
      await start();
      contact(2, 0);
      expect((await hears("r/c2/on", "clear")).incidentId).toBe(raise.incidentId);
      await until(() => (readdirSync(disk).includes("store.db-ballast") ? true : null));
      expect((await status()).buffer.depth).toBe(0);
      expect(told("r/c0/on", "raise").length).toBe(1);
      expectNothingDoubled();
    },
  );

  test.skipIf(!mayTrace)(
    "does not sync: what happens is told from memory, nothing is taken for kept, and it goes on when the disk does",
    async () => {
      const { child } = await start();
      contact(0, 1);
      const first = await hears("r/c0/on", "raise");
      const inject = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"];
      tracer = run(strace, ["-f", "-p", String(child.pid), "-o", "/dev/null", ...inject]);
      await tracer.line(new RegExp(`Process ${child.pid} attached`));
      contact(1, 1);
      const second = await hears("r/c1/on", "raise");
      await hears(`${own}/storage_degraded`, "raise");
      // The disk has not got it, so in the disk's own count it must not be.
      expect(second.epoch).not.toBe(first.epoch);
      contact(0, 0);
      expect((await hears("r/c0/on", "clear")).incidentId).toBe(first.incidentId);
      expect(await degraded()).toMatch(/SQLITE_IOERR/);
      expect(await ask("status")).toMatch(/storage degraded .*store is not on disk/s);
      await tracer.kill("SIGTERM");
      await recovered();
      await stop("SIGKILL");
      await start();
      contact(1, 0);
      expect((await hears("r/c1/on", "clear")).incidentId).toBe(second.incidentId);
      expect(told("r/c1/on", "raise").length).toBe(1);
      expectNothingDoubled();
    },
  );

  test.skipIf(!mayTrace)(
    "does not sync once: what may or may not be on it is written again under the same id",
    async () => {
      const { child } = await start();
      contact(0, 1);
      const first = await hears("r/c0/on", "raise");
      const inject = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=1"];
      tracer = run(strace, ["-p", String(child.pid), "-o", join(folder, "trace"), ...inject]);
      await tracer.line(new RegExp(`Process ${child.pid} attached`));
      contact(1, 1);
      const second = await hears("r/c1/on", "raise");
      contact(0, 0);
      await hears("r/c0/on", "clear");
      await tracer.kill("SIGTERM");
      expect(readFileSync(join(folder, "trace"), "utf8")).toMatch(/EIO .*INJECTED/);
      await stop("SIGKILL");
      await start();
      contact(1, 0);
      const last = await hears("r/c1/on", "clear");
      expect([second.epoch, last.epoch]).toEqual([first.epoch, first.epoch]);
      expect(told(`${own}/storage_degraded`, "raise")).toEqual([]);
      expect(readdirSync(disk).filter((name) => name.includes("corrupt"))).toEqual([]);
      expectNothingDoubled();
    },
  );

  test.skipIf(!mayMount)("cannot be written at the start: what it has is read, and the rest is as above", async () => {
    mount("size=16m");
    await start();
    contact(0, 1);
    contact(3, 1);
    const first = await hears("r/c0/on", "raise");
    const resting = await hears("r/c3/on", "raise");
    await stop("SIGKILL");
    execFileSync(mounter, ["-o", "remount,ro", disk]);
    await start();
    await hears(`${own}/storage_degraded`, "raise");
    expect(await degraded()).toMatch(/EROFS/);
    contact(0, 0);
    expect((await hears("r/c0/on", "clear")).incidentId).toBe(first.incidentId);
    execFileSync(mounter, ["-o", "remount,rw", disk]);
    await recovered();
    await stop("SIGTERM");
    await start();
    // It stood through all of it.
    contact(3, 0);
    expect((await hears("r/c3/on", "clear")).incidentId).toBe(resting.incidentId);
    expect(["r/c0/on", "r/c3/on"].map((key) => told(key, "raise").length)).toEqual([1, 1]);
    expectNothingDoubled();
  });

  test("brings back what nobody wrote: the store begins anew, says so until somebody knows, and what is wrong is raised", async () => {
    const path = join(disk, "store.db");
    await start();
    contact(0, 1);
    const before = await hears("r/c0/on", "raise");
    await stop("SIGTERM");
    const content = readFileSync(path);
    writeFileSync(path, content.fill(0x55, 0, 100));
    const again = await start();
    expect(await again.line(/storage\.reset/)).toMatch(/"file":"[^"]*store\.db\.corrupt-\d{8}T\d{6}Z"/);
    const reset = await hears(`${own}/storage_reset`, "raise");
    expect(reset).toMatchObject({ severity: "high", annunciate: true });
    expect(reset.text).toMatch(/store was damaged .*configuration.* lost/);
    const after = await hears("r/c0/on", "raise", 2);
    expect(after.epoch).not.toBe(before.epoch);
    expect(readdirSync(disk).filter((name) => name.includes(".corrupt-")).length).toBeGreaterThan(0);
    // It outlives a restart, and ends when somebody has said that they know.
    await stop("SIGTERM");
    await start();
    expect(told(`${own}/storage_reset`, "clear").length).toBe(0);
    await ask("ack", "agent/storage_reset");
    await hears(`${own}/storage_reset`, "clear");
    expect((await status()).incidents.map(({ conditionKey }) => conditionKey)).toEqual(["s/r/c0/on"]);
    // With the site file refused too there is nothing to go on with.
    await stop("SIGTERM");
    writeFileSync(path, "no database, and long enough to be taken for one".repeat(40));
    writeFileSync(join(folder, "site.yaml"), "version: 1\nsite: { id: s }\ndevices: [{ id: r }]\n");
    agent = mepwatch(["run", "--config", join(folder, "site.yaml")], environment());
    expect(await agent.ended).toBe(78);
    expect(agent.stderr.join("\n")).toMatch(/last accepted configuration was in the store.*\.corrupt-/);
  });
});
