import { expect, onTestFinished, test } from "vitest";
import { load } from "../../agent/config/load.ts";
import type { Site } from "../../agent/config/resolved.ts";
import type { Sample } from "../../agent/core/sample.ts";
import { type Env, realEnv } from "../../agent/env.ts";
import { engineClock } from "../../agent/pipeline/clock.ts";
import { identitiesOf } from "../../agent/pipeline/identities.ts";
import { poller } from "../../agent/pipeline/poller.ts";
import { type AnyRequest, type Driver, faults, type Reading } from "../../drivers/driver.ts";
import { snmp } from "../../drivers/snmp/index.ts";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";
import { fakeEnv } from "../env.ts";

/** 200 SNMP devices of 40 OIDs each, read each second, of which 20 are silent: the others are on time. */
const devices = 200;
const silent = 20;
const oids = 40;
const intervalMs = 1000;
/** Far more than an answer takes on this machine, so that a busy one makes no device silent. */
const timeoutMs = 5000;
/** Of the plan: 20 OIDs a request. */
const requestsEach = 2;

const names = Array.from({ length: devices }, (_, i) => `d${i}`);
/** One in ten, among the others. */
const isSilent = (device: string): boolean => Number(device.slice(1)) % (devices / silent) === 0;
const oidOf = (i: number): string => `1.3.6.1.4.1.99999.1.${i}.0`;
const points = Object.fromEntries(Array.from({ length: oids }, (_, i) => [`p${i}`, { address: { oid: oidOf(i) } }]));
const profile = { profile: "test/box", describe: "A box.", protocol: "snmp", class: "test", interval: "1s", points };

function siteOn(driver: Driver, portOf: (device: string) => number): Site {
  const all = names.map((id) => {
    const bus = { protocol: "snmp", host: "127.0.0.1", port: portOf(id), timeout: `${timeoutMs}ms` };
    return { id, profile: "test/box", bus };
  });
  const files: Readonly<Record<string, string>> = {
    "site.yaml": JSON.stringify({ version: 1, site: { id: "s" }, devices: all }),
    "profiles/test/box.yaml": JSON.stringify(profile),
  };
  const { site, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    [driver],
    () => ({ problem: "none" }),
  );
  expect(problems).toEqual([]);
  return site!;
}

/** Polls the whole site; ends with the test. */
function pollAll(env: Env, site: Site, onSamples: (samples: readonly Sample[]) => void): void {
  const clock = engineClock(env, null);
  const identities = identitiesOf(env, site, { pinned: () => new Map(), pin: () => {} });
  const shared = snmp.share?.(env) ?? { close: async () => {} };
  const store = { learnt: () => null, keepLearnt: () => {} };
  const pollers = site.buses.map((bus) => poller({ env, site, store, bus, shared, clock, identities, onSamples }));
  onTestFinished(async () => void (await Promise.all(pollers.map((one) => one.close()))));
}

const deviceOf = (point: string): string => point.split("/")[0]!;
const living = names.filter((device) => !isSilent(device));

test("to the beat, under virtual time: not one poll of the others is late or missed, and the silent are only probed", async () => {
  const env = fakeEnv();
  const answerMs = 20;
  const asked = new Map<string, number[]>(names.map((name) => [name, []]));
  const read = (request: AnyRequest, ms: number): Promise<readonly Reading[]> => {
    const device = deviceOf(request.points[0]!.id);
    asked.get(device)!.push(env.clock.mono());
    const values = () => request.points.map(({ id }) => ({ point: id, value: 1 }));
    return new Promise((resolve) => {
      if (isSilent(device)) env.after(ms, () => resolve(faults(request, "timeout", "no answer")));
      else env.after(answerMs, () => resolve(values()));
    });
  };
  let good = 0;
  const driver: Driver = { ...snmp, open: () => ({ read, close: async () => {} }) };
  pollAll(
    env,
    siteOn(driver, (device) => 1000 + Number(device.slice(1))),
    (samples) => {
      good += samples.filter(({ quality, point }) => quality === "good" && point.includes("/p")).length;
    },
  );
  const rounds = 60;
  await env.advance(rounds * intervalMs);
  for (const device of living) {
    const times = asked.get(device)!;
    // Of the last round the second request may still be to come.
    expect(times.length).toBeGreaterThanOrEqual(rounds * requestsEach - 1);
    const late = times.filter((at, i) => i >= requestsEach && at - times[i - requestsEach]! !== intervalMs);
    expect(late).toEqual([]);
  }
  for (const device of names.filter(isSilent)) expect(asked.get(device)!.length).toBeLessThan(rounds / 4);
  expect(good).toBeGreaterThanOrEqual(living.length * oids * (rounds - 1));
}, 120_000);

test("on real sockets: each of the others is read again and again, whole", async () => {
  const held = Array.from({ length: oids }, (_, i) => ({ id: String(i), device: {}, address: { oid: oidOf(i) } }));
  const simulators = new Map<string, Awaited<ReturnType<typeof startSnmpSimulator>>>();
  for (const device of names) {
    const one = await startSnmpSimulator({ host: "127.0.0.1", port: 0, points: held, value: (id) => Number(id) });
    if (isSilent(device)) one.misbehave("silent");
    simulators.set(device, one);
  }
  onTestFinished(async () => void (await Promise.all([...simulators.values()].map((one) => one.close()))));
  const env = realEnv({ logLevel: "silent" });
  const enough = 4;
  const counts = new Map<string, number>();
  await new Promise<void>((resolve) => {
    const lacking = new Set(living.flatMap((device) => Object.keys(points).map((own) => `${device}/${own}`)));
    pollAll(
      env,
      siteOn(snmp, (device) => simulators.get(device)!.port),
      (samples) => {
        for (const { point, quality } of samples) {
          if (quality !== "good" || !point.includes("/p")) continue;
          counts.set(point, (counts.get(point) ?? 0) + 1);
          if (counts.get(point) === enough) lacking.delete(point);
        }
        if (lacking.size === 0) resolve();
      },
    );
  });
  expect([...counts.keys()].filter((point) => isSilent(deviceOf(point)))).toEqual([]);
}, 120_000);
