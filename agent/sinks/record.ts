import * as z from "zod";
import { changeKinds } from "../core/incident.ts";
import { companionsMax, sayings } from "../core/rule.ts";
import { severities } from "../core/severity.ts";

/**
 * One incident event as it stands in the outbox and leaves the agent: the `data` of the contract. Every event
 * carries the full state of its incident, so that any one of them is enough to know where it stands.
 */
const quality = z.enum(["good", "uncertain", "bad"]);
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
  digested: flag.optional().describe("True where nobody is called, since in a flood of alarms a digest tells of it."),
  ackedBy: z.string().optional(),
  ackedAt: timestamp.optional(),
  silencedBy: z.string().optional().describe("Who shelved it, took it out of service or into maintenance."),
  silencedFor: z.string().optional().describe("Why."),
  mode: z.string().optional().describe("The mode that it belongs to while that is in force: commissioning …"),
  silencedUntil: timestamp.optional().describe("Absent: until it clears, or is placed back."),
  causeIds: z.array(z.uuid()).optional().describe("Incidents that suppress this one."),
  correlationId: z.uuid().optional().describe("The root's incidentId: incidents that have it in common are one story."),
  role: z
    .enum(["root", "consequence", "precursor", "witness"])
    .optional()
    .describe(
      "What it is in that story, where it is known; of a witness people hear by the one incident that it tells.",
    ),
  witnesses: z
    .array(z.object({ rule: z.string(), name: z.string(), says: z.enum(sayings) }))
    .optional()
    .describe(
      "Of a fact that several rules tell: those, as DEVICE/RULE, and what each said then; silenced: it is not counted, since a person said so or something explains it.",
    ),
  firstOut: flag.optional().describe("Whether it was the first of that story."),
  redundancy: z
    .object({ of: z.string(), total: z.int(), left: z.int(), need: z.int().optional() })
    .optional()
    .describe("Of a unit that shares its duty with others: how many there are, are left, and are needed."),
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
  quality,
  measure: z.number().optional().describe("What was compared with the limit."),
  measureUnit: z.string().optional(),
  limit: z.number().optional(),
  deadband: z.number().optional(),
  level: z.string().optional().describe("Name of the worst active level."),
  window_s: z.number().optional(),
  estimator: z.string().optional(),
  onsetAt: timestamp.describe("First violating sample of this occurrence."),
  onsetUncertain: flag
    .optional()
    .describe("That sample was the first after a start, or after the point had been lost: it may have begun before."),
  sourceAt: timestamp.optional(),
  observedAt: timestamp.describe("When the deciding value was read."),
  raisedAt: timestamp,
  clearedAt: timestamp.optional(),
  at: timestamp.describe("When this event happened."),
  bootId: z.string(),
  monoMs: z.number().describe("Engine time of this event, ms: durations between events of one epoch are exact."),
  clock: clockTrust,
  context: z
    .array(z.tuple([z.number(), z.number().nullable(), quality]))
    .max(20)
    .optional()
    .describe("What led to a raise or a worse severity: samples up to the deciding one, as [monoMs, value, quality]."),
  companions: z
    .array(z.object({ point: z.string(), value: z.number().nullable(), unit: z.string(), quality }))
    .max(companionsMax)
    .optional()
    .describe("Then, too: what other points of the device said, which the rule names."),
  historical: flag.describe("True when it is sent late, behind newer ones."),
  text: z
    .string()
    .max(140)
    .describe("For a tired person: where, what, value and limit, since when, cause, first action."),
  runbook: z.url().optional(),
  labels: z.record(z.string(), z.string()),
});
export type EventRecord = z.output<typeof eventRecord>;

/**
 * Whether there is enough of a record to send it: one that an older version wrote, before there was all that is asked for
 * today, is told as it is rather than not at all. By hand, since each event on its way is asked, and the schema takes a
 * hundred times as long.
 */
export function isSendable(record: unknown): record is EventRecord {
  if (typeof record !== "object" || record === null) return false;
  const { epoch, seq, kind, conditionKey, severity, open, location, at } = record as Partial<EventRecord>;
  const texts = [epoch, conditionKey, at, location?.site];
  return (
    texts.every((text) => typeof text === "string") &&
    Number.isSafeInteger(seq) &&
    typeof open === "boolean" &&
    changeKinds.some((one) => one === kind) &&
    severities.some((one) => one === severity)
  );
}
