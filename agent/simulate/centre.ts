import { drivers } from "../../drivers/index.ts";
import { builtInConfig, fromDisk, load } from "../config/load.ts";
import type { Site } from "../config/resolved.ts";

/**
 * A data centre of 400 devices, made, for scenarios and for how fast a site of that size is judged: four halls of racks, each a cooling zone with three CRACs of which two are needed,
 * all behind one incomer, eight UPSs and eight switches.
 */
export const zones = { a: 100, b: 100, c: 90, d: 70 } as const;
export type Zone = keyof typeof zones;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const zoneIds = Object.keys(zones) as Zone[];

export const racksOf = (zone: Zone): string[] => range(zones[zone]).map((i) => `pdu-${zone}${i}`);
export const cracsOf = (zone: Zone): string[] => range(3).map((i) => `crac-${zone}${i}`);
export const upses = range(8).map((i) => `ups-${i}`);
export const meters = ["incomer", "generator", "meter-1", "meter-2"];
export const leaks = range(8).map((i) => `leak-${i}`);
export const switches = range(8).map((i) => `switch-${i}`);

const racks = zoneIds.flatMap(racksOf);
const cracs = zoneIds.flatMap(cracsOf);
/** Who is behind which switch: everything else, dealt out. */
const others = [...racks, ...cracs, ...upses, ...meters, ...leaks];
export const behind = (one: string): string[] => others.filter((_, i) => i % switches.length === switches.indexOf(one));

let host = 0;
const bus = (protocol: string): string => {
  host++;
  return `{ protocol: ${protocol}, host: 10.20.${host >> 7}.${(host & 127) + 1} }`;
};
const device = (id: string, profile: string, protocol: string, rest: string): string =>
  `  - { id: ${id}, name: ${id.toUpperCase()}, profile: ${profile}, bus: ${bus(protocol)}, ${rest} }`;

const yaml = (): string => `
version: 1
site: { id: dc, name: DC, timeZone: UTC }
devices:
${[
  ...zoneIds.flatMap((zone) =>
    racksOf(zone).map((id) =>
      device(
        id,
        "pdu/apc-rpdu2",
        "snmp",
        `location: { room: Hall ${zone.toUpperCase()}, rack: ${id.slice(4).toUpperCase()}, zone: ${zone} }`,
      ),
    ),
  ),
  ...zoneIds.flatMap((zone) =>
    cracsOf(zone).map((id, i) =>
      device(
        id,
        "crac/bacnet-generic",
        "bacnet",
        `address: { instance: ${i + 1} }, location: { room: Hall ${zone.toUpperCase()}, zone: ${zone} }`,
      ),
    ),
  ),
  ...upses.map((id) => device(id, "ups/rfc1628", "snmp", "location: { room: UPS room }")),
  ...meters.map((id) => device(id, "meter/eastron-sdm630", "modbus", "location: { room: Switch room }")),
  ...leaks.map((id) => device(id, "leak/rle-ld2100", "modbus", "location: { room: Hall A }")),
  ...switches.map((id) => device(id, "network/switch", "snmp", "location: { room: Network room }")),
].join("\n")}
topology:
  feeds: { incomer: [${[...upses, ...cracs].join(", ")}] }
  needs: { ${zoneIds.map((zone) => `${zone}: 2`).join(", ")} }
  communicates:
${switches.map((one) => `    ${one}: [${behind(one).join(", ")}]`).join("\n")}
`;

const switchProfile = `profile: network/switch
describe: Any managed switch.
protocol: snmp
class: network
points:
  uptime: { kind: duration, unit: s, scale: 0.01, address: { oid: 1.3.6.1.2.1.1.3.0 } }
rules:
  comm: { use: device/comm, severity: high }
`;

export function dataCentre(): Site {
  const text = yaml();
  const disk = fromDisk(`${builtInConfig()}/site.yaml`);
  const own: Readonly<Record<string, string>> = { "site.yaml": text, "profiles/network/switch.yaml": switchProfile };
  const read = Object.assign((name: string) => own[name] ?? disk(name), {});
  const { site, problems } = load("site.yaml", read, drivers, () => ({ problem: "none" }));
  if (site === null) throw new Error(JSON.stringify(problems.slice(0, 5)));
  return site;
}

/** What its points say while nothing is wrong, by their own ids; 0 for all others. */
export const calmValues: Readonly<Record<string, number>> = {
  "inlet-temperature": 23,
  "load-state": 2,
  "power-supply": 1,
  "output-source": 3,
  "battery-status": 2,
  "minutes-remaining": 30,
  "output-load": 50,
  "battery-temperature": 24,
  running: 1,
  "supply-temperature": 18,
  "supply-setpoint": 18,
  "voltage-l1": 230,
  "voltage-l2": 230,
  "voltage-l3": 230,
  frequency: 50,
};
