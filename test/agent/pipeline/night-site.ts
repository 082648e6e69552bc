import { fromDisk, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import type { Event } from "../../../agent/core/engine.ts";
import type { Language } from "../../../agent/core/language.ts";
import type { Instant } from "../../../agent/core/sample.ts";
import { correlationOf } from "../../../agent/pipeline/correlation.ts";
import { othersOf } from "../../../agent/pipeline/others.ts";
import { recordOf } from "../../../agent/pipeline/record.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";
import { drivers } from "../../../drivers/index.ts";

/** A hall with a hundred racks, four CRACs of which three are needed, and what feeds them. */
const racks = Array.from({ length: 100 }, (_, i) => `${"ABCDEFGHIJ"[Math.floor(i / 10)]}${(i % 10) + 1}`);
const bus = (protocol: string, host = "127.0.0.1"): string => `bus: { protocol: ${protocol}, host: ${host} }`;
const pdu = (rack: string): string =>
  `  - { id: pdu-${rack.toLowerCase()}, name: PDU, profile: pdu/apc-rpdu2, ${bus("snmp")}, location: { room: Hall 1, rack: ${rack}, zone: east } }`;
const crac = (i: number): string =>
  `  - { id: crac-${i}, name: CRAC-${i}, profile: crac/bacnet-generic, ${bus("bacnet")}, address: { instance: ${i} }, location: { room: Hall 1, zone: east } }`;

const yaml = (language: Language): string => `
version: 1
site: { id: dc, language: ${language}, timeZone: Europe/Berlin }
devices:
${racks.map(pdu).join("\n")}
${[1, 2, 3, 4].map(crac).join("\n")}
  - id: rack-k1
    name: PDU
    profile: pdu/apc-rpdu2
    ${bus("snmp")}
    location: { room: Hall 2, rack: K1, zone: west }
    rules: { inlet-hot: null, inlet-hot-soon: { use: rack/inlet-hot-soon, point: inlet-temperature } }
  - id: ups-a
    name: UPS-A
    profile: ups/rfc1628
    ${bus("snmp")}
    location: { room: UPS room }
    labels: { tenant: shared, criticality: "1" }
    rules: { runtime: { reAlarm: 5m, runbook: "https://wiki.example/ups-runtime" } }
  - { id: ups-b, name: UPS-B, profile: ups/rfc1628, ${bus("snmp")}, location: { room: UPS room } }
  - { id: meter-1, name: Main meter, profile: meter/eastron-sdm630, ${bus("modbus")}, location: { room: Switch room } }
  - { id: leak-1, name: Leak cable, profile: leak/rle-ld2100, ${bus("modbus", "127.0.0.2")}, location: { room: Hall 1, row: F } }
topology:
  feeds: { meter-1: [ups-b] }
  needs: { east: 3 }
`;

export function nightSite(language: Language): Site {
  const disk = fromDisk("/nowhere/site.yaml");
  const read = Object.assign((name: string) => (name === "site.yaml" ? yaml(language) : disk(name)), {});
  const { site, problems } = load("site.yaml", read, drivers, () => ({ problem: "none" }));
  if (site === null) throw new Error(JSON.stringify(problems.slice(0, 5)));
  return site;
}

/** 03:00 in Berlin, to which the plot's seconds are added. */
const three = Date.UTC(2026, 0, 15, 2, 0);
const at = ({ at: mono, wall }: Instant): Instant => ({ at: mono, wall: three + wall });

/** The records of these events, told as they came. */
export function recordsOf(site: Site, events: readonly Event[]): EventRecord[] {
  const clock = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
  const telling = { site, epoch: "night", bootId: "b", clock };
  const newest = new Map<string, EventRecord>();
  const ended: EventRecord[] = [];
  return events.map((event, i) => {
    const { now, onset, raised, cleared } = event;
    const timed = { ...event, now: at(now), onset: at(onset), raised: at(raised), cleared: cleared && at(cleared) };
    const others = othersOf(site, timed, { newest, ended });
    const record = recordOf(telling, timed, i + 1, others);
    const open = [...newest.values()].filter((one) => one.open || one.incidentId === record.incidentId);
    Object.assign(record, correlationOf(site, record, event.causes, open));
    if (!record.open) ended.push(record);
    newest.set(record.conditionKey, record);
    return record;
  });
}
