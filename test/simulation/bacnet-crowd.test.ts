import { expect, onTestFinished, test, vi } from "vitest";
import { load } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import { engineClock } from "../../agent/pipeline/clock.ts";
import { identitiesOf } from "../../agent/pipeline/identities.ts";
import { poller } from "../../agent/pipeline/poller.ts";
import { bacnet } from "../../drivers/bacnet/index.ts";
import { address, network as networkSchema } from "../../drivers/bacnet/schema.ts";
import { confirmedService } from "../../drivers/bacnet/wire/apdu.ts";
import { hubOf } from "../../drivers/bacnet/wire/hub.ts";
import { readDatagram } from "../../drivers/bacnet/wire/packet.ts";
import { agent, type StillNetwork } from "../drivers/bacnet/still.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";

/** 50 BACnet devices of 60 objects each, read each 5 s, of which 5 are silent: the others are on time. */
const devices = 50;
const silent = 5;
const objects = 60;
const intervalMs = 5000;
const rounds = 12;
const latencyMs = 20;
/** For what waits until one of those under way is answered. */
const lateMs = 50;
/** A question to each each half minute, and once more after half of its time; each Who-Is once. */
const probesMax = silent * 3 * 2;
/** Of the plan: 50 objects a request. */
const requestsEach = 2;

const world = vi.hoisted(() => ({ network: null as StillNetwork | null }));
vi.mock("../../drivers/bacnet/wire/sockets.ts", async () => {
  const { stillNetwork } = await import("../drivers/bacnet/still.ts");
  return {
    socketsOf(...args: Parameters<StillNetwork["socketsOf"]>) {
      world.network = stillNetwork();
      return world.network.socketsOf(...args);
    },
  };
});

const instances = Array.from({ length: devices }, (_, i) => 3000 + 7 * i);
/** One in ten, among the others. */
const isSilent = (instance: number): boolean => ((instance - 3000) / 7) % (devices / silent) === 0;
const living = instances.filter((instance) => !isSilent(instance));
const hostOf = (instance: number): string => `10.0.0.${(instance - 3000) / 7 + 1}`;

const addresses = Array.from({ length: objects }, (_, i) => ({ object: "analog-input", instance: i }));
const profile = {
  ...{ profile: "test/box", describe: "A box.", protocol: "bacnet", class: "test", interval: "5s" },
  points: Object.fromEntries(addresses.map((one, i) => [`p${i}`, { address: one }])),
};

/** In small steps: a read is many promises deep, and what it sends must be sent before time goes on. */
async function passing(env: FakeEnv, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) await env.advance(10);
}

const common = { protocol: "bacnet", timeout: "2s" };

function siteOf(busOf: (instance: number) => unknown, buses: object): Site {
  const all = instances.map((instance) => ({
    ...{ id: `d${instance}`, profile: "test/box", address: { instance }, bus: busOf(instance) },
  }));
  const files: Readonly<Record<string, string>> = {
    "site.yaml": JSON.stringify({ version: 1, site: { id: "s" }, bacnet: {}, buses, devices: all }),
    "profiles/test/box.yaml": JSON.stringify(profile),
  };
  const { site, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    [bacnet],
    () => ({ problem: "none" }),
  );
  expect(problems).toEqual([]);
  return site!;
}

test.each([
  ["a bus each", (instance: number) => ({ ...common, host: hostOf(instance) }), {}, devices],
  ["one bus, found by Who-Is, 10 at a time", () => "plant", { plant: { ...common, window: 10 } }, 1],
])(
  "%s: not one poll of the others is late or missed, and the silent are only probed",
  async (_, busOf, shared, buses) => {
    const env = fakeEnv();
    const site = siteOf(busOf, shared);
    expect(site.buses).toHaveLength(buses);
    const hub = hubOf(env);
    const network = world.network!;
    network.latencyMs = latencyMs;
    hub.join(networkSchema.parse({ address: agent.host }), {
      event: () => {},
      dropped: () => {},
      registration: () => {},
    });
    /** When each request was sent: by host, and the first object asked for. */
    const asked = new Map<string, number[]>();
    /** Who-Is, and questions to those that are silent. */
    let probes = 0;
    network.onSent = (datagram, { host }) => {
      if (host === "255.255.255.255" || instances.some((one) => hostOf(one) === host && isSilent(one))) probes++;
      const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
      // Of the device object it is asked who it is.
      const isOfObjects =
        apdu?.[0] === 0 && apdu[3] === confirmedService.readPropertyMultiple && apdu.readUInt32BE(5) < 8 * 2 ** 22;
      if (!isOfObjects) return;
      const key = `${host} ${apdu.readUInt32BE(5)}`;
      asked.set(key, [...(asked.get(key) ?? []), env.clock.mono()]);
    };
    for (const instance of instances) {
      const points = addresses.map((one, i) => ({ id: `p${i}`, device: { instance }, address: address.parse(one) }));
      const value = (id: string): number => instance + Number(id.slice(1));
      const serving = { instance, points, value, self: () => new Map() };
      const device = network.join(env, { host: hostOf(instance), port: 47_808, station: null }, serving);
      if (isSilent(instance)) device.misbehave("silent");
    }
    let good = 0;
    const wrong: unknown[] = [];
    const clock = engineClock(env, null);
    const identities = identitiesOf(env, site, { pinned: () => new Map(), pin: () => {} });
    const store = { learnt: () => null, keepLearnt: () => {} };
    const pollers = site.buses.map((bus) =>
      poller({
        ...{ env, site, store, bus, shared: hub, clock, identities },
        onSamples(samples) {
          for (const one of samples) {
            const [, instance, nth] = /^d(\d+)\/p(\d+)$/.exec(one.point) ?? [];
            if (instance === undefined || one.quality !== "good") continue;
            good++;
            if (one.value !== Number(instance) + Number(nth)) wrong.push(one);
          }
        },
      }),
    );
    onTestFinished(async () => {
      await Promise.all(pollers.map((one) => one.close()));
      await hub.close();
    });
    // The first round finds them, and spreads them over the interval.
    await passing(env, 3 * intervalMs);
    for (const times of asked.values()) times.splice(0);
    [good, probes] = [0, 0];
    await passing(env, rounds * intervalMs);
    const late = [...asked].flatMap(([request, times]) =>
      times
        .slice(1)
        .flatMap((at, i) => (Math.abs(at - times[i]! - intervalMs) > lateMs ? [[request, at - times[i]!]] : [])),
    );
    expect(late).toEqual([]);
    expect([...asked.values()].map((times) => times.length)).toEqual(Array(living.length * requestsEach).fill(rounds));
    expect(good).toBe(living.length * objects * rounds);
    expect(wrong).toEqual([]);
    expect(probes).toBeLessThanOrEqual(probesMax);
  },
  120_000,
);
