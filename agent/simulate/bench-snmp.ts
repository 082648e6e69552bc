import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode, requestOf, versions } from "../../drivers/snmp/message.ts";
import { plan } from "../../drivers/snmp/plan.ts";
import { bus as busSchema } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { type Cost, crowdRow, type DatagramBench, measured, pingPong } from "./bench-datagrams.ts";

const oidsEach = 20;
const oids = Array.from({ length: oidsEach }, (_, i) => `1.3.6.1.4.1.99999.1.${i + 1}.0`);
const timeoutMs = 5000;
// Made by the codec, not by a turn of the driver: net-snmp keeps a timer for one, and the process for that, until it is ended.
const canned = encode({ version: versions.v2c, community: "public", ...requestOf(1, oids) });

export async function benchSnmp(env: Env, bench: DatagramBench): Promise<Row[]> {
  const crowd = await crowdRow(env, bench, {
    ...{
      bench: "snmp",
      devices: 200,
      silent: 20,
      each: `${pointsEach} OIDs`,
      pointsEach,
      everyMs: 1000,
      goal: 14,
      profile,
    },
    device: (id) => ({ id, profile: "box", bus: { protocol: "snmp", host: "127.0.0.1", port: 1, timeout: "500ms" } }),
  });
  return [...(await driverRows(env, bench)), crowd];
}

async function driverRows(env: Env, bench: DatagramBench): Promise<Row[]> {
  const recording = join(bench.folder, "device.snmprec");
  writeFileSync(recording, oids.map((oid, i) => `${oid}|66|${230 + i}\n`).join(""));
  const { device: port = 0 } = await bench.simulate(["--snmprec", recording]);
  const bare = await pingPong(env, port, canned, (exchange) => measured(env, bench, oidsEach, exchange));
  const ours = await sessionOn(env, port, {}, (read) => measured(env, bench, oidsEach, read));
  const secure = await sessionOn(env, port, { version: 3, user: "public" }, (read) =>
    measured(env, bench, oidsEach, read),
  );
  const cpu = (how: string, { perMillion }: Cost, times: number): Row => ({
    ...{ bench: "snmp", metric: `CPU for a million OIDs, driver alone, GETs of ${oidsEach}, ${how}`, unit: "s" },
    ...{ ours: perMillion, baseline: bare.perMillion, goal: `≤ ${times * 100} %` },
    ok: perMillion <= times * bare.perMillion,
  });
  return [
    cpu("v2c", ours, 8),
    cpu("v3 without keys", secure, 8),
    {
      ...{
        bench: "snmp",
        metric: `OIDs a second, one device, one GET of ${oidsEach} after the other, v2c`,
        unit: "1/s",
      },
      ...{ ours: ours.perSecond, baseline: bare.perSecond, goal: "≥ 12.5 %" },
      ok: ours.perSecond >= bare.perSecond / 8,
    },
  ];
}

async function sessionOn<T>(env: Env, port: number, options: object, work: (read: () => Promise<void>) => Promise<T>) {
  const bus = busSchema.parse({ host: "127.0.0.1", port, ...options });
  const session = new SnmpSession(bus, env);
  const [request] = plan(
    oids.map((oid) => ({ id: `d/${oid}`, device: {}, address: { oid } })),
    bus,
  );
  const read = async (): Promise<void> => {
    const readings = request === undefined ? [] : await session.read(request, timeoutMs);
    if (readings.length !== oidsEach || readings.some((one) => "fault" in one)) throw new Error("bug: not read");
  };
  try {
    return await work(read);
  } finally {
    await session.close();
  }
}

const pointsEach = 40;
const points = Object.fromEntries(
  Array.from({ length: pointsEach }, (_, i) => [`p${i}`, { address: { oid: `1.3.6.1.4.1.99999.2.${i + 1}.0` } }]),
);
const profile = {
  ...{ profile: "box", describe: "Forty numbers.", protocol: "snmp", class: "test", interval: "1s", points },
  rules: {
    high: { type: "level", point: "*", levels: [{ limit: 10, deadband: 1, severity: "high" }], ackRequired: false },
    comm: { type: "comm", failures: 3 },
  },
};
