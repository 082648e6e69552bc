import type { QuietFacts } from "../quiet.ts";
import type { EventRecord } from "../record.ts";
import type { BirthFacts, HeartbeatFacts } from "../sink.ts";
import {
  birthMessageOf,
  deathMessageOf,
  eventMessageOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "./messages.ts";
import { blindMessageOf, pageMax, silencesMessageOf } from "./quiet.ts";

/** One golden example of each message, made by the very functions that make the real ones. */
const agent = "edge-1";
const epoch = "6f1c2a34-5b7d-4e8f-9a0b-1c2d3e4f5a6b";
const configHash = "1b2c3d4e5f607182";
const bootId = "0f9e8d7c-6b5a-4948-8736-251403f2e1d0";
const clock = { synced: true, source: null, offsetMs: null, lastSyncAt: "2026-03-14T02:59:30.000Z" };
const at = Date.parse("2026-03-14T03:12:09.250Z");

const speaker: Speaker = {
  bdSeq: 17,
  sessionId: "b3a1d2c4-e5f6-4708-8192-a3b4c5d6e7f8",
  bootId,
  agentVersion: "0.1.0",
  protocol: 5,
};

const raised: EventRecord = {
  ...{ epoch, seq: 4711, kind: "raise", rev: 1, historical: false },
  incidentId: "2d5e8c1f-7a90-8b3c-9d4e-5f60718293a4",
  conditionKey: "fra-1/pdu-b2/inlet-temperature/inlet-hot",
  ...{ severity: "high", priorityHint: "P2", state: "active-unacked", open: true, active: true, acked: false },
  ...{ latched: false, shelved: false, suppressed: false, outOfService: false, flapping: false, annunciate: true },
  rule: { id: "inlet-hot", type: "level", version: "9f8e7d6c", configHash },
  point: {
    ...{ id: "pdu-b2/inlet-temperature", device: "pdu-b2", deviceClass: "pdu", protocol: "snmp", name: "PDU inlet" },
    address: '{"oid":"1.3.6.1.4.1.318.1.1.26.10.2.2.1.8.1"}',
  },
  location: { site: "fra-1", room: "Hall 1", rack: "B2", zone: "east" },
  ...{ value: 32.4, unit: "Cel", quality: "good", measure: 32.4, limit: 32, deadband: 1, level: "high" },
  ...{ onsetAt: "2026-03-14T03:11:09.200Z", observedAt: "2026-03-14T03:12:09.200Z" },
  ...{ raisedAt: "2026-03-14T03:12:09.200Z", at: "2026-03-14T03:12:09.200Z", bootId, monoMs: 86_529_200.5, clock },
  context: [
    [86_469_200.5, 31.2, "good"],
    [86_499_200.5, null, "bad"],
    [86_529_200.5, 32.4, "good"],
  ],
  companions: [{ point: "pdu-b2/load", value: 61, unit: "%", quality: "good" }],
  text: "Hall 1 rack B2 PDU inlet 32.4 °C (limit 32) since 04:11; cooling lost or air recirculates. Check the zone's CRACs.",
  labels: { team: "facilities" },
};

const waiting: BirthFacts = {
  ...{ epoch, firstSeq: 4712, lastSeq: 4711, lastPosition: 4711, activeCount: 1, configHash, clock, active: [raised] },
};

const alive: HeartbeatFacts = {
  ...{ epoch, lastSeq: 4711, ackedSeq: 4711, depth: 0, oldestAgeMs: 0, activeCount: 1 },
  ...{ pointsExpected: 212, pointsGood: 208, configHash, clock },
};

const quiet: QuietFacts = {
  configHash,
  silences: [
    {
      ...{ how: "maintenance", by: "lee", reason: "filter change", until: "2026-03-14T07:00:00.000Z", count: 2 },
      conditions: ["fra-1/crac-2/running/stopped", "fra-1/crac-2/supply-temperature/supply-warm"],
    },
    {
      ...{ how: "mode", mode: "commissioning", by: "kim", reason: "new rack", until: "2026-03-15T18:00:00.000Z" },
      ...{ count: 1, conditions: ["fra-1/pdu-f12/load-state/overload"] },
    },
  ],
  modes: [
    {
      ...{ mode: "commissioning", target: "device=pdu-f12", by: "kim", reason: "new rack", overdue: false },
      ...{ beganAt: "2026-03-13T08:00:00.000Z", until: "2026-03-15T18:00:00.000Z" },
    },
  ],
  pointsExpected: 212,
  blind: [
    { device: "meter-2", why: "timeout", since: "2026-03-14T02:40:11.000Z", count: 3 },
    { device: "ups-a", why: "sentinel", since: "2026-03-12T10:00:00.000Z", count: 1, points: ["battery-temperature"] },
  ],
};

export const examples = {
  birth: birthMessageOf(speaker, waiting, at),
  death: deathMessageOf(speaker, "lwt"),
  event: eventMessageOf(agent, raised, at),
  gap: gapMessageOf({ agent, site: "fra-1" }, { epoch, first: 3001, last: 3120, count: 118 }, at),
  heartbeat: heartbeatMessageOf(speaker, alive, at),
  silences: silencesMessageOf(speaker, quiet, at, pageMax),
  blind: blindMessageOf(speaker, quiet, at, pageMax),
} as const;
