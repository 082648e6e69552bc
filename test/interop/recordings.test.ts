import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fromDisk, load } from "../../agent/config/load.ts";
import type { DevicePoint } from "../../agent/config/resolved.ts";
import { assess } from "../../agent/core/quality.ts";
import type { Sample } from "../../agent/core/sample.ts";
import { realEnv } from "../../agent/env.ts";
import type { Reading } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import type { Address } from "../../drivers/snmp/address.ts";
import { plan } from "../../drivers/snmp/plan.ts";
import { bus as busSchema } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import { serveSnmp } from "../../drivers/snmp/simulator.ts";
import { readSnmprec } from "../../drivers/snmp/snmprec.ts";
import { requireProgram } from "./programs.ts";
import { snmpsimd, startSnmpsim } from "./snmpsim.ts";

/**
 * Recordings of real devices, which stand beside the project where there are any, served by snmpsim and by our simulator and read
 * by the driver; those of a family that has a profile by that too, and through the quality gate.
 */
const folder = fileURLToPath(new URL("../../../shared/recordings", import.meta.url));
const there = existsSync(folder);
if (!there) console.warn("skipped: there are no recordings in ../shared/recordings");
const names = there
  ? readdirSync(folder)
      .filter((file) => file.endsWith(".snmprec"))
      .map((file) => file.slice(0, -".snmprec".length))
  : [];
const fileOf = (name: string): string => join(folder, `${name}.snmprec`);

interface Expected {
  readonly oid: string;
  /** UCUM; null: not known. */
  readonly unit: string | null;
  readonly raw: string;
  readonly value: number;
}
const expectedOf = (name: string): Expected[] =>
  JSON.parse(readFileSync(join(folder, `${name}.expect.json`), "utf8")).values;

const env = realEnv({ logLevel: "silent" });
const ampleMs = 20_000;

interface Profiled {
  readonly profile: string;
  readonly recording: string;
  /** How many of the expected values are among its points. */
  readonly covered: number;
  /** Which of those points say by their value that there is none. */
  readonly none?: readonly string[];
  /** Rows of its tables, as a site gives them. */
  readonly rows?: Readonly<Record<string, string | readonly (string | number)[]>>;
}

/** By profile: which recordings it reads. */
const profiled: readonly Profiled[] = [
  { profile: "ups/rfc1628-three-phase", recording: "abbups_abbups", covered: 34, none: ["battery-temperature"] },
  { profile: "ups/rfc1628-three-phase", recording: "liebert_weblbds", covered: 20 },
  {
    profile: "ups/rfc1628",
    recording: "eaton-mgeups_9px",
    covered: 14,
    none: ["battery-temperature"],
    rows: { line: [1] },
  },
  {
    profile: "ups/rfc1628",
    recording: "poweralert_ups",
    covered: 14,
    none: ["battery-temperature"],
    rows: { line: [1] },
  },
  {
    profile: "ups/eaton-mge",
    recording: "eaton-mgeups_9px",
    covered: 36,
    none: ["battery-temperature"],
    rows: { line: [1] },
  },
  // The others are the same by the UPS-MIB.
  {
    profile: "ups/tripplite-poweralert",
    recording: "poweralert_ups",
    covered: 16,
    rows: { outlet: "1..3" },
  },
  { profile: "ups/socomec-netvision", recording: "socomec-ups", covered: 18, rows: { line: [1] } },
  { profile: "pdu/socomec-pdu", recording: "socomec", covered: 7 },
  {
    profile: "dc/delta-orion",
    recording: "deltaorion_deltaorion",
    covered: 16,
    rows: { voltage: [9, 15, 28, 39, 40], temperature: [12, 26, 35, 36], event: [1, 2, 4, "7..10"] },
  },
  { profile: "ats/smart-ii", recording: "ats", covered: 10 },
  {
    profile: "pdu/liebert-mph",
    recording: "liebert",
    covered: 16,
    rows: {
      branch: ["1.1", "1.2", "1.3"],
      temperature: ["1.2.1", "1.3.1"],
      humidity: ["1.1.1", "1.4.1"],
    },
  },
  {
    profile: "ups/liebert-gp",
    recording: "liebert_weblbds",
    covered: 38,
    rows: {
      input: ["3.1", "3.2", "3.3"],
      bypass: ["2.1", "2.2", "2.3"],
      "system-output": ["1.1", "1.2", "1.3"],
    },
  },
  {
    profile: "crac/liebert-gp",
    recording: "liebert_weblbds",
    covered: 30,
    rows: { temperature: "1..3", humidity: "1..2", hours: "1..6" },
  },
  {
    profile: "pdu/raritan-px2",
    recording: "raritan-pdu_px2",
    covered: 28,
    rows: { outlet: "1..12" },
  },
  {
    profile: "pdu/servertech-sentry4",
    recording: "sentry4_switched8i",
    covered: 53,
    rows: {
      unit: [1, 2, 5],
      cord: ["1.1", "2.1"],
      line: ["1.1.1", "2.1.1"],
      phase: ["1.1.1", "2.1.1"],
      branch: ["1.1.1", "1.1.2", "2.1.1", "2.1.2"],
      breaker: ["1.1.1", "1.1.2", "2.1.1", "2.1.2"],
      inlet: ["5.1"],
      sensor: ["1.1", "5.2"],
    },
    none: ["sensor-1-1-temperature", "sensor-1-1-humidity"],
  },
  {
    profile: "pdu/schleifenbauer-databus",
    recording: "schleifenbauer_dpm27e",
    covered: 78,
    rows: {
      input: ["1.1", "1.2", "1.3"],
      outlet: Array.from({ length: 12 }, (_, nth) => `1.${nth + 1}`),
    },
  },
  {
    profile: "pdu/vertiv-geist",
    recording: "vertiv-pdu_mn03edr1",
    covered: 15,
    rows: { phase: "1..3", line: "1..3", breaker: "1..6" },
  },
  { profile: "meter/janitza-umg", recording: "janitza_generic", covered: 43 },
  {
    profile: "environment/akcp-sensorprobe",
    recording: "akcp_serverprobe8",
    covered: 67,
    none: ["temperature-1-value", "temperature-1-state", "humidity-1-value"],
    rows: { temperature: [0, 1, 6, 7], humidity: [0, 1, 6, 7], contact: "0..67" },
  },
  {
    profile: "environment/avtech-roomalert32s",
    recording: "avtech_roomalert32s",
    covered: 29,
    rows: { temperature: [1, 2, 3, 4, 8], humidity: [3, 4], switch: "1..16" },
  },
  {
    profile: "environment/hwg-poseidon",
    recording: "hwg-poseidon",
    covered: 28,
    rows: { temperature: "5..8", humidity: "1..4", input: "1..6" },
  },
  {
    profile: "environment/sensatronics-em1",
    recording: "sensatronics-em1",
    covered: 4,
    none: ["humidity-1-value"],
    rows: { temperature: "1..4", humidity: [1] },
  },
  { profile: "crac/rittal-lcp-dx", recording: "pcoweb-rittal-lcp-3311_lcp-dx-3311", covered: 46 },
  {
    profile: "crac/stulz-wib8000",
    recording: "stulz_wib8000",
    covered: 213,
    none: ["unit-2-1-1-supply-temperature"],
    rows: { unit: ["1.1.1", "1.2.1", "1.3.1", "1.4.1", "1.5.1", "1.6.1", "1.7.1", "1.8.1", "2.1.1"] },
  },
  { profile: "ups/apc-powernet", recording: "apc_smtl1000-nmc3", covered: 15, rows: { sensor: ["1.1", "2.1"] } },
  { profile: "ats/apc-rack-ats", recording: "apc_ats", covered: 6 },
  { profile: "ats/apc-xats", recording: "apc_ats", covered: 23 },
  { profile: "pdu/apc-rpdu2", recording: "apc_ap8959eu3", covered: 30, rows: { phase: [1], outlet: "1..24" } },
  { profile: "crac/apc-airfm", recording: "apc_airfm", covered: 39 },
  { profile: "crac/apc-uniflair-sp", recording: "apc_uniflair-sp", covered: 14 },
  {
    profile: "environment/apc-emu",
    recording: "apc_emu",
    covered: 34,
    none: ["sensor-0-2-humidity", "sensor-0-3-humidity", "sensor-0-5-humidity"],
    rows: { sensor: ["0.1", "0.2", "0.3", "0.5", "0.6"], input: ["0.1", "0.2", "0.3", "0.4"], probe: "1..3" },
  },
  {
    profile: "environment/apc-netbotz",
    recording: "apc-netbotz_netbotz750",
    covered: 6,
    rows: { temperature: [314, 623], humidity: [316, 625], smoke: [6158, 6159] },
  },
];

/** An expected value that no profile reads as it is expected. */
interface Exempt {
  readonly recording: string;
  readonly oids: readonly string[];
  readonly why: string;
  /** Whether it is so. @param recorded the value of another OID @param sample as the profile has it, where it is a point */
  holds(expected: Expected, recorded: (oid: string) => string | undefined, sample: Sample | null): boolean;
}

const sensorProbeHumidity = "1.3.6.1.4.1.3854.1.2.2.1.17.1";
const lcpInteger = "1.3.6.1.4.1.9839.2606.2.1.3";
const waterFlowB = "1.3.6.1.4.1.29462.10.2.1.1.1.2.1.1.1740";
const isValue = (sample: Sample | null, wanted: number): boolean =>
  sample?.quality === "good" && Math.abs(sample.value - wanted) < 1e-6;

/** All of them; each other expected value is read by a profile. */
const exempt: readonly Exempt[] = [
  {
    recording: "akcp_serverprobe8",
    oids: [1, 2, 3, 4, 5].map((row) => `${sensorProbeHumidity}.13.${row}`),
    why: "sensorProbeHumidityOnline says of these rows that no sensor is there (2), and sensorProbeHumidityPercent is 0",
    holds: ({ oid }, recorded, sample) => {
      const row = oid.split(".").at(-1);
      const [online, percent] = [5, 3].map((column) => recorded(`${sensorProbeHumidity}.${column}.${row}`));
      return online === "2" && percent === "0" && sample === null;
    },
  },
  {
    recording: "pcoweb-rittal-lcp-3311_lcp-dx-3311",
    oids: [4, 5, 6].map((nth) => `${lcpInteger}.${nth}.0`),
    why: "an integer variable has no tenths, as the speed of the fan beside it has none: 528 V DC at the drive, not 52.8 V",
    holds: ({ raw, value }, _, sample) => isValue(sample, Number(raw)) && value === Number(raw) / 10,
  },
  {
    recording: "pcoweb-rittal-lcp-3311_lcp-dx-3311",
    oids: [`${lcpInteger}.16.0`],
    why: "is said and read in percent; expected in W, of a unit of 12 kW",
    holds: ({ raw, value }, _, sample) => isValue(sample, Number(raw)) && value === Number(raw) * 120,
  },
  {
    recording: "stulz_wib8000",
    oids: [1, 2, 3, 4, 5, 6, 7, 8].map((unit) => `${waterFlowB}.1.${unit}.1`),
    why: "the MIB gives no unit; expected in l/min, as if it were whole m3/h, which would be 27 m3/h in one unit and 0 in another",
    holds: ({ raw, value }, _, sample) => sample === null && Math.abs(value - (Number(raw) * 1000) / 60) < 1e-5,
  },
];
const isExempt = (recording: string, oid: string): boolean =>
  exempt.some((one) => one.recording === recording && one.oids.includes(oid));

const read = (port: number, options: object, oids: readonly string[]): Promise<Reading[]> =>
  readPoints(port, options, new Map([...new Set(oids)].map((oid) => [oid, { address: { oid } }])));

/** Each reading by the OID of its point. */
async function readPoints(
  port: number,
  options: object,
  points: ReadonlyMap<string, Pick<DevicePoint, "address">>,
): Promise<Reading[]> {
  const bus = busSchema.parse({ host: "127.0.0.1", port, ...options });
  const session = new SnmpSession(bus, env);
  onTestFinished(() => session.close());
  const readings: Reading[] = [];
  const asked = [...points].map(([id, { address }]) => ({ id, device: {}, address: address as Address }));
  for (const request of plan(asked, bus)) readings.push(...(await session.read(request, ampleMs)));
  return readings;
}

const user = {
  version: 3,
  user: "ops",
  auth: { protocol: "sha256", key: "authpass12" },
  priv: { protocol: "aes128", key: "privpass12" },
};

/** Our simulator, with this recording. */
async function ours(name: string, options: object): Promise<number> {
  const { objects, flaws } = readSnmprec(readFileSync(fileOf(name), "utf8"));
  expect(flaws).toEqual([]);
  const bus = busSchema.parse({ host: "127.0.0.1", ...options });
  const running = await serveSnmp({ host: "127.0.0.1", port: 0, bus, objects });
  onTestFinished(() => running.close());
  return running.port;
}

const canServe = there && requireProgram(snmpsimd);
let snmpsim: Awaited<ReturnType<typeof startSnmpsim>> | undefined;
beforeAll(async () => {
  if (canServe) snmpsim = await startSnmpsim(names.map(fileOf));
}, 120_000);
afterAll(() => snmpsim?.stop());

/** By whom a recording is served, and how it is asked for. */
const servers = [
  {
    by: "snmpsim",
    skip: !canServe,
    open: async (name: string) => ({ port: snmpsim!.port, options: { community: name } }),
  },
  { by: "our simulator", skip: !there, open: async (name: string) => ({ port: await ours(name, {}), options: {} }) },
  {
    by: "our simulator, SNMPv3",
    skip: !there,
    open: async (name: string) => ({ port: await ours(name, user), options: user }),
  },
] as const;

describe.skipIf(!there).each(servers)("recordings served by $by", ({ skip, open }) => {
  test.skipIf(skip).for(names)("%s: each value is read as it was recorded", async (name) => {
    const { port, options } = await open(name);
    const expected = expectedOf(name);
    const readings = await read(
      port,
      options,
      expected.map(({ oid }) => oid),
    );
    const values = Object.fromEntries(readings.map((one) => [one.point, "fault" in one ? one.fault : one.value]));
    expect(values).toEqual(Object.fromEntries(expected.map(({ oid, raw }) => [oid, Number(raw)])));
  });

  test.skipIf(skip).for(profiled)("$recording by $profile: $covered values, scaled, with their unit", async (row) => {
    const { port, options } = await open(row.recording);
    const points = pointsOf(row);
    const readings = await readPoints(port, options, points);
    const samples = new Map(readings.map((one) => [one.point, sampleOf(points.get(one.point)!, one)]));
    const covered = expectedOf(row.recording).filter(({ oid }) => points.has(oid));
    const wrong = covered.filter(
      (one) => !isExempt(row.recording, one.oid) && !isRight(one, points.get(one.oid)!, samples.get(one.oid)!),
    );
    const shown = wrong.map(({ oid, value, unit }) => ({ oid, value, unit, sample: samples.get(oid) }));
    const none = row.none ?? [];
    expect(shown.filter(({ oid }) => !none.includes(points.get(oid)!.own))).toEqual([]);
    for (const own of none) expect(qualityOf(own, points, samples)).toBe("bad");
    expect(covered.length).toBe(row.covered);
  });
});

test.skipIf(!there).for(names)(
  "%s: what no profile reads as expected is what is exempt, for a reason that holds",
  (name) => {
    const points = new Map(profiled.filter(({ recording }) => recording === name).flatMap((row) => [...pointsOf(row)]));
    const expected = expectedOf(name);
    const exempted = exempt.filter(({ recording }) => recording === name);
    const unread = expected.filter(({ oid }) => !points.has(oid)).map(({ oid }) => oid);
    expect(unread.filter((oid) => !isExempt(name, oid))).toEqual([]);
    const recorded = recordedIn(name);
    for (const { oids, why, holds } of exempted) {
      for (const oid of oids) {
        const one = expected.find((each) => each.oid === oid)!;
        const point = points.get(oid);
        const sample = point === undefined ? null : sampleOf(point, { point: oid, value: Number(recorded.get(oid)) });
        expect({ oid, why, holds: holds(one, (other) => recorded.get(other), sample) }).toEqual({
          oid,
          why,
          holds: true,
        });
        expect(sample !== null && isRight(one, point!, sample)).toBe(false);
      }
    }
  },
);

/** What a recording holds, as it is written there. */
const recordedIn = (name: string): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(fileOf(name), "utf8")
      .split("\n")
      .map((line) => line.split("|"))
      .map(([oid = "", , ...value]) => [oid, value.join("|")]),
  );

/** The profile's points as a site has them, by OID; what is over many rows, or in a row that is looked for, by its id. */
function pointsOf({ profile, rows }: Profiled): ReadonlyMap<string, DevicePoint> {
  const device = { id: "d", profile, bus: { protocol: "snmp", host: "127.0.0.1" }, ...(rows && { rows }) };
  const disk = fromDisk("/nowhere/site.yaml");
  const text = JSON.stringify({ version: 1, site: { id: "s" }, devices: [device] });
  const { site, problems } = load(
    "site.yaml",
    (name) => (name === "site.yaml" ? text : disk(name)),
    drivers,
    () => ({
      problem: "none is needed",
    }),
  );
  expect(problems).toEqual([]);
  return new Map(site!.devices[0]!.points.map((point) => [oidOf(point), point]));
}

function oidOf({ id, address }: DevicePoint): string {
  const { oid, column, row } = address as Address;
  return oid ?? (column !== undefined && row !== undefined ? `${column}.${row}` : id);
}

function sampleOf({ definition }: DevicePoint, reading: Reading): Sample {
  const now = { at: 0, wall: 0 };
  return "fault" in reading
    ? assess(definition, { fault: reading.fault }, now)
    : assess(definition, { raw: reading.value, ...(reading.scale !== undefined && { scale: reading.scale }) }, now);
}

function qualityOf(own: string, points: ReadonlyMap<string, DevicePoint>, samples: ReadonlyMap<string, Sample>) {
  const [oid = ""] = [...points].find(([, point]) => point.own === own) ?? [];
  return samples.get(oid)?.quality;
}

/** By what a value of one unit is multiplied to be one of the other. */
const factors: Readonly<Record<string, number>> = {
  "min s": 60,
  "W kW": 0.001,
  "W kV.A": 0.001,
  "W V.A": 1,
  "kPa Pa": 1000,
  // A number that is told without its unit, or how far a valve is open, expected as a state, too.
  "1 %": 1,
  "1 h": 1,
  "W kV.A{reactive}": 0.001,
  "kW.h kV.A.h{reactive}": 1,
  "kPa bar": 0.01,
};

function isRight(expected: Expected, point: DevicePoint, sample: Sample): boolean {
  if (sample.quality !== "good") return false;
  const unit = expected.unit === "enum" ? "1" : (expected.unit ?? point.unit);
  const factor = unit === point.unit ? 1 : factors[`${unit} ${point.unit}`];
  const wanted = expected.value * (factor ?? Number.NaN);
  return Math.abs(sample.value - wanted) <= Math.abs(wanted) * 1e-6 + 1e-9;
}
