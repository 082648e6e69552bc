import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMultiple } from "../../drivers/bacnet/library.ts";
import { plan } from "../../drivers/bacnet/plan.ts";
import { isOfObject, questions } from "../../drivers/bacnet/question.ts";
import { address, bus as busSchema } from "../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../drivers/bacnet/session.ts";
import { hubOf } from "../../drivers/bacnet/wire/hub.ts";
import { unicast } from "../../drivers/bacnet/wire/packet.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { crowdRow, type DatagramBench, measured, pingPong } from "./bench-datagrams.ts";

const objectsEach = 20;
const timeoutMs = 5000;
const times = 10;
const device = { instance: 3000 };
const objects = Array.from({ length: objectsEach }, (_, i) => ({ object: "analog-input", instance: i + 1 }));
const points = objects.map((one) => ({ id: `d/ai${one.instance}`, device, address: address.parse(one) }));

export async function benchBacnet(env: Env, bench: DatagramBench): Promise<Row[]> {
  const rows = await driverRows(env, bench);
  const crowd = await crowdRow(
    env,
    { ...bench, folder: join(bench.folder, "crowd") },
    {
      ...{
        bench: "bacnet",
        devices: 50,
        silent: 5,
        each: `${crowdEach} objects`,
        pointsEach: crowdEach,
        everyMs: 1000,
        goal: 14,
      },
      profile: profileOf(crowdEach, "1s"),
      device: (id, nth) => ({
        ...{ id, profile: "box", address: { instance: 3000 + nth } },
        bus: { protocol: "bacnet", host: "127.0.0.1", port: 1, timeout: "1s" },
      }),
    },
  );
  return [...rows, crowd];
}

async function driverRows(env: Env, bench: DatagramBench): Promise<Row[]> {
  const file = join(bench.folder, "site.yaml");
  mkdirSync(join(bench.folder, "profiles"));
  mkdirSync(join(bench.folder, "crowd"));
  const bus = { protocol: "bacnet", host: "127.0.0.1", port: 1 };
  const devices = [{ id: "d", profile: "box", address: device, bus }];
  writeFileSync(file, JSON.stringify({ version: 1, site: { id: "bench" }, devices }));
  writeFileSync(join(bench.folder, "profiles/box.yaml"), JSON.stringify(profileOf(objectsEach, "1s")));
  const { d: port = 0 } = await bench.simulate(["--config", file, "--story", "calm"]);
  const bare = await pingPong(env, port, cannedRequest(), (exchange) => measured(env, bench, objectsEach, exchange));
  const ours = await onSession(env, port, (read) => measured(env, bench, objectsEach, read));
  return [
    {
      ...{ bench: "bacnet", metric: `CPU for a million objects, driver alone, RPM of ${objectsEach}`, unit: "s" },
      ...{ ours: ours.perMillion, baseline: bare.perMillion, goal: `≤ ${times * 100} %` },
      ok: ours.perMillion <= times * bare.perMillion,
    },
    {
      ...{
        bench: "bacnet",
        metric: `objects a second, one device, one RPM of ${objectsEach} after the other`,
        unit: "1/s",
      },
      ...{ ours: ours.perSecond, baseline: bare.perSecond, goal: `≥ ${100 / times} %` },
      ok: ours.perSecond >= bare.perSecond / times,
    },
  ];
}

/** The one that the driver sends. */
function cannedRequest(): Buffer {
  const encoded = readMultiple(questions(points.filter(isOfObject)), 1);
  encoded.end?.();
  return unicast(encoded.apdu, { isReplyExpected: true });
}

async function onSession<T>(env: Env, port: number, work: (read: () => Promise<void>) => Promise<T>): Promise<T> {
  const hub = hubOf(env);
  const bus = busSchema.parse({ host: "127.0.0.1", port });
  const session = sessionOn(bus, { env, hub });
  const [request] = plan(points, bus);
  const read = async (): Promise<void> => {
    const readings = request === undefined ? [] : await session.read(request, timeoutMs);
    if (readings.length !== objectsEach || readings.some((one) => "fault" in one)) throw new Error("bug: not read");
  };
  try {
    return await work(read);
  } finally {
    await session.close();
    await hub.close();
  }
}

const crowdEach = 60;

const profileOf = (count: number, interval: string) => ({
  ...{ profile: "box", describe: `${count} numbers.`, protocol: "bacnet", class: "test", interval },
  points: Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { address: { object: "analog-input", instance: i + 1 } }]),
  ),
  rules: {
    high: { type: "level", point: "*", levels: [{ limit: 1e6, deadband: 1, severity: "high" }], ackRequired: false },
    comm: { type: "comm", failures: 3 },
  },
});
