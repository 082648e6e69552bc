import type { QuietFacts } from "../quiet.ts";
import type { EventRecord } from "../record.ts";
import type { BirthFacts, HeartbeatFacts } from "../sink.ts";
import {
  type AckMessage,
  type CommandMessage,
  type CommandName,
  commandNames,
  isUntargeted,
  type ResultMessage,
  type StateMessage,
  type Unsigned,
} from "./commands.ts";
import {
  birthMessageOf,
  type DiagMessage,
  deathMessageOf,
  eventMessageOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "./messages.ts";
import { blindMessageOf, pageMax, silencesMessageOf } from "./quiet.ts";
import type { TelemetryMessage } from "./telemetry.ts";

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
  ...{
    epoch,
    firstSeq: 301,
    lastSeq: 4711,
    waitingFrom: 4712,
    lastPosition: 4711,
    activeCount: 1,
    configHash,
    clock,
    active: [raised],
  },
};

const alive: HeartbeatFacts = {
  ...{ epoch, lastSeq: 4711, ackedSeq: 4711, depth: 0, oldestAgeMs: 0, activeCount: 1, active: [raised] },
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

const frame = {
  ...{ cmdId: "7c9e6679-7425-40de-944b-e07fc1f90ae7", site: "fra-1", agent },
  ...{ issuedAt: "2026-03-14T03:15:00.000Z", exp: "2026-03-14T03:16:00.000Z" },
  ...{ nonce: "q1w2e3r4t5y6u7i8o9p0", kid: "centre-1", sig: "A".repeat(86) },
};
const person = { user: "kim", role: "engineer" } as const;
const program = { user: "fleet", role: "service" } as const;
const selector = { selector: "zone=east class=crac" };
const [duration_s, reason] = [7200, "filter change"];

/** What each takes, and of what. */
const orders: { readonly [N in CommandName]: Pick<Unsigned<N>, "args" | "target" | "expectedRev" | "preview"> } = {
  ack: { target: { incidentId: raised.incidentId }, expectedRev: 1, args: { comment: "on my way" } },
  unack: { target: { incidentId: raised.incidentId }, args: {} },
  reset: { target: { conditionKey: raised.conditionKey }, args: {} },
  shelve: { target: { conditionKey: raised.conditionKey }, args: { duration_s, reason } },
  unshelve: { target: { conditionKey: raised.conditionKey }, args: {} },
  out_of_service: { target: { selector: "device=crac-2" }, args: { reason: "decommissioned" } },
  in_service: { target: { selector: "device=crac-2" }, args: {} },
  "maintenance.start": { target: selector, preview: true, args: { duration_s, reason } },
  "maintenance.end": { target: selector, args: {} },
  "mode.start": { target: selector, args: { mode: "generator-test", duration_s, reason: "monthly test" } },
  "mode.end": { target: selector, args: { mode: "generator-test" } },
  sensor_replaced: { args: { point: "pdu-b2/inlet-temperature", reason: "probe was loose" } },
  snapshot: { args: {} },
  replay: { args: { epoch, from: 118, to: 130 } },
  ping: { args: {} },
};

const orderOf = <N extends CommandName>(name: N) => ({
  name,
  ...frame,
  issuedBy: isUntargeted(name) && name !== "sensor_replaced" ? program : person,
  ...orders[name],
});
const orderExamples = Object.fromEntries(commandNames.map((name) => [`command.${name}`, orderOf(name)])) as {
  readonly [N in CommandName as `command.${N}`]: CommandMessage<N>;
};

export const examples = {
  birth: birthMessageOf(speaker, waiting, at),
  death: deathMessageOf(speaker, "lwt"),
  event: eventMessageOf(agent, raised, at),
  gap: gapMessageOf({ agent, site: "fra-1" }, { epoch, first: 3001, last: 3120, count: 118 }, at),
  heartbeat: heartbeatMessageOf(speaker, alive, at),
  silences: silencesMessageOf(speaker, quiet, at, pageMax),
  blind: blindMessageOf(speaker, quiet, at, pageMax),
  diag: {
    ...{ at: "2026-03-14T03:12:00.000Z", sessionId: speaker.sessionId, level: "warn", code: "clock.step" },
    ...{ text: "the wall clock was set", facts: { ms: -3600000 } },
  } satisfies DiagMessage,
  telemetry: {
    ...{ point: "pdu-b2/inlet-temperature", unit: "Cel" },
    samples: [
      ["2026-03-14T03:11:00.000Z", 31.9, "good"],
      ["2026-03-14T03:11:30.000Z", 32.4, "good"],
    ],
  } satisfies TelemetryMessage,
  result: {
    ...{
      cmdId: frame.cmdId,
      at: "2026-03-14T03:15:00.120Z",
      name: "ack",
      status: "ok",
      detail: "done for 1 condition",
    },
    conditions: [{ conditionKey: raised.conditionKey, result: "ok", rev: 2 }],
  } satisfies ResultMessage,
  ack: { epoch, upTo: 4711, except: [[4700, 4702]], host: "noc", at: "2026-03-14T03:12:01.000Z" } satisfies AckMessage,
  state: { online: true, timestamp: "2026-03-14T02:00:00.000Z", sessionId: speaker.sessionId } satisfies StateMessage,
  ...orderExamples,
} as const;
