import * as z from "zod";
import { changeKinds } from "../core/incident.ts";
import { severities } from "../core/severity.ts";

/**
 * One incident event as it stands in the outbox and leaves the agent: the `data` of the contract. Every event
 * carries the full state of its incident, so that any one of them is enough to know where it stands.
 */
const timestamp = z.iso.datetime().describe("RFC 3339, UTC, milliseconds.");
const flag = z.boolean();

export const incidentStates = [
  "outOfService",
  "suppressed",
  "shelved",
  "latched",
  "active-unacked",
  "active-acked",
  "rtn-unacked",
  "normal",
] as const;

export const clockTrust = z.strictObject({
  synced: z.boolean().nullable().describe("Whether the system says its clock is synchronised; null: it does not say."),
  source: z.string().nullable().describe("Where the time comes from, if known."),
  offsetMs: z.number().nullable().describe("Last known offset from the source, ms."),
  lastSyncAt: timestamp.nullable().describe("When it was last synchronised, if known."),
});
export type ClockTrust = z.output<typeof clockTrust>;

export const eventRecord = z.object({
  epoch: z.uuid().describe("Made with the store: sequence numbers of different epochs are not related."),
  seq: z.int().min(1).describe("Contiguous within the epoch: a hole is a lost event."),
  kind: z.enum(changeKinds),
  reason: z.string().optional().describe("Why, where the kind alone does not say: severity_up, value, rule_disabled …"),
  incidentId: z.uuid().describe("One occurrence of a condition, from raise to close."),
  conditionKey: z.string().describe("site/device/point/rule[/side|#bit]: the same for every occurrence."),
  rev: z.int().min(1).describe("1, 2, … within the incident: the highest is the newest."),
  severity: z.enum(severities),
  priorityHint: z.enum(["P1", "P2", "P3", "P4", "P5"]),
  state: z.enum(incidentStates),
  open: flag.describe("Whether the incident goes on: active, or waiting for an acknowledgement or a reset."),
  active: flag,
  acked: flag,
  latched: flag,
  shelved: flag,
  suppressed: flag,
  outOfService: flag,
  flapping: flag,
  annunciate: flag.describe("Whether a person should be told now."),
  ackedBy: z.string().optional(),
  ackedAt: timestamp.optional(),
  silencedBy: z.string().optional().describe("Who shelved it, took it out of service or into maintenance."),
  silencedFor: z.string().optional().describe("Why."),
  silencedUntil: timestamp.optional().describe("Absent: until it clears, or is placed back."),
  causeIds: z.array(z.uuid()).optional().describe("Incidents that suppress this one."),
  impacted: z
    .object({ devices: z.int(), points: z.int() })
    .optional()
    .describe(
      "Of a device that does not answer: how much is not seen because of it, itself included. Of many devices: how many of them are in alarm.",
    ),
  rule: z.object({ id: z.string(), type: z.string(), version: z.string(), configHash: z.string() }),
  point: z.object({
    id: z.string(),
    device: z.string(),
    deviceClass: z.string(),
    protocol: z.string(),
    address: z.string(),
    name: z.string(),
  }),
  location: z.object({
    site: z.string(),
    building: z.string().optional(),
    room: z.string().optional(),
    row: z.string().optional(),
    rack: z.string().optional(),
    zone: z.string().optional(),
  }),
  value: z.number().nullable().describe("The deciding value, in `unit`; null where none is known."),
  valueText: z.string().optional().describe("The value's name, where it is an enumeration."),
  unit: z.string().describe("UCUM code of the point."),
  quality: z.enum(["good", "uncertain", "bad"]),
  measure: z.number().optional().describe("What was compared with the limit."),
  measureUnit: z.string().optional(),
  limit: z.number().optional(),
  deadband: z.number().optional(),
  level: z.string().optional().describe("Name of the worst active level."),
  window_s: z.number().optional(),
  estimator: z.string().optional(),
  onsetAt: timestamp.describe("First violating sample of this occurrence."),
  onsetUncertain: flag.optional(),
  sourceAt: timestamp.optional(),
  observedAt: timestamp.describe("When the deciding value was read."),
  raisedAt: timestamp,
  clearedAt: timestamp.optional(),
  at: timestamp.describe("When this event happened."),
  bootId: z.string(),
  monoMs: z.number().describe("Engine time of this event, ms: durations between events of one epoch are exact."),
  clock: clockTrust,
  historical: flag.describe("True when it is sent late, behind newer ones."),
  text: z
    .string()
    .max(140)
    .describe("For a tired person: where, what, value and limit, since when, cause, first action."),
  runbook: z.url().optional(),
  labels: z.record(z.string(), z.string()),
});
export type EventRecord = z.output<typeof eventRecord>;
