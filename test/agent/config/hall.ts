import { builtInProfiles, fromDisk, type Loaded, load } from "../../../agent/config/load.ts";
import { sayProblem } from "../../../agent/config/problem.ts";
import type { Secrets } from "../../../agent/config/secrets.ts";
import { drivers } from "../../../drivers/index.ts";

/** A small site and its profiles, without anything wrong; each test breaks something in it. */
export const site = `version: 1
site: { id: hall, timeZone: Europe/Berlin }
buses:
  gateway: { protocol: modbus, host: 192.0.2.10 }
devices:
  - id: meter-1
    profile: meter/test
    bus: gateway
    address: { unit: 3 }
    interval: 2s
    points:
      power: { scale: 0.01 }
    rules:
      high: { onDelay: 5s }
      comm: null
  - id: ups-1
    profile: ups/test
    bus: { protocol: snmp, host: ups-1.example, community: "\${env:COMMUNITY}" }
  - id: crac-1
    profile: crac/test
    bus: { protocol: bacnet, host: 192.0.2.30 }
    address: { instance: 1001 }
`;

export const meter = `profile: meter/test
describe: A meter.
protocol: modbus
class: meter
points:
  power: { unit: kW, interval: 30s, address: { table: input, register: 52, type: f32 } }
  door: { address: { table: discrete, register: 7 } }
rules:
  high:
    type: level
    point: power
    levels:
      - { limit: 80, severity: low }
      - { limit: 90, severity: high }
  comm: { type: comm, severity: high }
`;

export const ups = `profile: ups/test
describe: A UPS.
protocol: snmp
class: ups
points:
  charge: { unit: "%", address: { oid: 1.3.6.1.2.1.33.1.2.4.0 } }
rules:
  low: { type: level, point: charge, levels: [{ side: low, limit: 20, severity: high }] }
`;

export const crac = `profile: crac/test
describe: A CRAC.
protocol: bacnet
class: crac
points:
  running: { address: { object: binary-input, instance: 1 } }
rules:
  stopped: { type: state, point: running, normal: [1], map: { 0: high } }
`;

export const files: Readonly<Record<string, string>> = {
  "site.yaml": site,
  "profiles/meter/test.yaml": meter,
  "profiles/ups/test.yaml": ups,
  "profiles/crac/test.yaml": crac,
};

/** Puts another text in the place of the one there is; a test whose text is gone must not pass by it. */
export function change(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`"${from}" is not there once`);
  return text.replace(from, () => to);
}

export const communities: Secrets = ({ name }) =>
  name === "COMMUNITY" ? { text: "hunter2" } : { problem: `environment variable ${name} is not set; expected it` };

const builtIn = fromDisk("/nowhere/site.yaml");

/** Class rules that are not given are those that come with mepwatch. */
export function loadWith(changed: Readonly<Record<string, string | null>>, secrets: Secrets = communities): Loaded {
  const all: Readonly<Record<string, string | null>> = { ...files, ...changed };
  const text = (name: string): string | null =>
    !Object.hasOwn(all, name) && name.startsWith("rules/") ? builtIn(name) : (all[name] ?? null);
  const read = Object.assign(text, { profiles: builtInProfiles });
  return load("site.yaml", read, drivers, secrets);
}

/** What `mepwatch validate` would say, a line each. */
export const linesOf = (loaded: Loaded): string[] => loaded.problems.map(sayProblem);
