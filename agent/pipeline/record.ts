import { createHash } from "node:crypto";
import type { About, Site } from "../config/resolved.ts";
import type { Event } from "../core/engine.ts";
import type { Difference } from "../core/identity.ts";
import { type Language, phrase } from "../core/language.ts";
import { priorityHint } from "../core/severity.ts";
import { textMax } from "../core/text.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import { countOf, noOthers, type Others } from "./others.ts";
import { textOf } from "./telling.ts";

/** From what the engine decided to what the centre is told: identity, place, times and words are added here. */
export interface Telling {
  readonly site: Site;
  readonly epoch: string;
  readonly bootId: string;
  readonly clock: ClockTrust;
  /** What shows that another device answers in the place of one; null, absent: nothing does. */
  readonly stranger?: (device: string) => Difference | null;
}

/** @param others incidents that its text counts or names */
export function recordOf(
  { site, epoch, bootId, clock, stranger = () => null }: Telling,
  event: Event,
  seq: number,
  others: Others = noOthers,
): EventRecord {
  const { kind, reason, rev, level, now, onset, raised, cleared, condition, measure, sample } = event;
  const about = site.about.get(condition.key);
  if (about === undefined) throw new Error(`bug: no description of condition ${condition.key}`);
  const known = Number.isFinite(measure.lo) ? measure.lo : null;
  const value = sample !== null && sample.quality !== "bad" ? sample.value : lastValue(about, event, known);
  return {
    epoch,
    seq,
    kind,
    ...(reason === null ? {} : { reason }),
    incidentId: incidentId(epoch, condition.key, event.occurrence),
    conditionKey: condition.key,
    rev,
    severity: level.severity,
    priorityHint: priorityHint(level.severity),
    state: stateOf(event),
    open: event.open,
    active: event.active,
    acked: event.acked !== null,
    latched: event.latched,
    shelved: event.shelf !== null,
    suppressed: isSuppressed(event),
    outOfService: event.outOfService !== null,
    flapping: event.flapping,
    annunciate: event.annunciate,
    ...(event.acked === null ? {} : { ackedBy: event.acked.by, ackedAt: iso(event.acked.at.wall) }),
    ...silencedBy(event),
    ...impactedBy(about, others),
    ...witnessedBy(about, event),
    rule: { id: about.rule, type: about.type, version: about.version, configHash: site.configHash },
    point: pointOf(about),
    location: { site: site.id, ...about.device.location },
    value: about.point === null ? null : value,
    ...(valueText(about, value) === null ? {} : { valueText: valueText(about, value) ?? "" }),
    unit: about.point?.unit ?? "1",
    quality: sample?.quality ?? "bad",
    ...judgedBy(about, known, level),
    onsetAt: iso(onset.wall),
    ...(sample?.sourceAt === undefined ? {} : { sourceAt: iso(sample.sourceAt) }),
    observedAt: iso(now.wall),
    raisedAt: iso(raised.wall),
    ...(cleared === null ? {} : { clearedAt: iso(cleared.wall) }),
    at: iso(now.wall),
    bootId,
    monoMs: now.at,
    clock,
    historical: false,
    text: textOf({
      ...{ site, about, event, value, valueText: valueText(about, value), measure: known, others },
      stranger: about.type === "identity" ? stranger(about.device.id) : null,
    }),
    ...(about.runbook === null ? {} : { runbook: about.runbook }),
    labels: { ...about.device.labels },
  };
}

/** Of what was said by people, the one that is in force: who, why, until when. */
function silencedBy({ shelf, maintenance, outOfService, now }: Event): Partial<EventRecord> {
  const silence = outOfService ?? shelf ?? maintenance;
  if (silence === null) return {};
  const { by, reason, until } = silence;
  const end = until === null ? {} : { silencedUntil: iso(now.wall + until - now.at) };
  const { mode } = maintenance ?? {};
  return { silencedBy: by, silencedFor: reason, ...(mode === undefined ? {} : { mode }), ...end };
}

const isSuppressed = ({ caused, maintenance, level }: Event): boolean =>
  caused || maintenance !== null || level.mute === true;

function witnessedBy({ witnesses }: About, { measure: { says } }: Event): Pick<EventRecord, "witnesses"> {
  if (says === undefined) return {};
  return { witnesses: witnesses.map((one, i) => ({ ...one, says: says[i] ?? "unknown" })) };
}

/** Of what is not heard: how much there is; of many devices: how many of them there are. */
function impactedBy({ impacted, members }: About, others: Others): Pick<EventRecord, "impacted"> {
  if (impacted !== null) return { impacted };
  return members.length === 0 ? {} : { impacted: countOf(others.members) };
}

/** Where time or another rule decided: the value that stands, as far as what was measured tells it. */
const lastValue = ({ type }: About, { measure, active }: Event, known: number | null): number | null =>
  active ? (measure.mark ?? (type === "level" ? known : null)) : null;

/** The record that ends an incident whose rule is gone, made from the last one there was; what led to that is not told again. */
export function retired(
  { context: _, companions: __, ...last }: EventRecord,
  seq: number,
  now: { readonly at: number; readonly wall: number },
  language: Language,
): EventRecord {
  const { digested = false, ...before } = last;
  return {
    ...before,
    annunciate: last.annunciate || digested,
    seq,
    kind: last.active || last.latched ? "clear" : "close",
    reason: "rule_disabled",
    rev: last.rev + 1,
    state: "normal",
    open: false,
    active: false,
    latched: false,
    at: iso(now.wall),
    clearedAt: iso(now.wall),
    monoMs: now.at,
    text: `${last.point.name} ${last.rule.id}: ${phrase(language, "ruleGone")}.`.slice(0, textMax),
  };
}

/**
 * UUIDv8 of SHA-256(epoch, condition key, occurrence): the same incident has the same id however often and wherever
 * it is made.
 */
export function incidentId(epoch: string, key: string, occurrence: number): string {
  const hex = createHash("sha256").update(`${epoch}\0${key}\0${occurrence}`).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}

const iso = (wall: number): string => new Date(wall).toISOString();

/** The one word for where it stands; the first that fits. */
function stateOf(event: Event): EventRecord["state"] {
  if (event.outOfService !== null) return "outOfService";
  if (isSuppressed(event)) return "suppressed";
  if (event.shelf !== null) return "shelved";
  if (event.latched) return "latched";
  if (event.active) return event.acked ? "active-acked" : "active-unacked";
  return event.open ? "rtn-unacked" : "normal";
}

function pointOf({ device, point }: About): EventRecord["point"] {
  return {
    id: point?.id ?? `${device.id}/-`,
    device: device.id,
    deviceClass: device.class,
    protocol: device.protocol,
    address: JSON.stringify(point?.address ?? device.address),
    name: point === null ? device.name : `${device.name} ${point.name}`,
  };
}

/** Enumerations, bits and the word of others have no limit that means something to people. */
const unmeasured: readonly string[] = ["state", "bits", "same", "disagreement"];

/** What was compared with which limit. */
function judgedBy({ type, options }: About, measure: number | null, level: Event["level"]): Partial<EventRecord> {
  if (unmeasured.includes(type)) return {};
  return {
    ...(measure === null ? {} : { measure }),
    limit: level.limit,
    deadband: level.deadband,
    level: level.name,
    ...(typeof options.window === "number" ? { window_s: options.window / 1000 } : {}),
    ...(typeof options.estimator === "string" ? { estimator: options.estimator } : {}),
  };
}

const valueText = ({ point }: About, value: number | null): string | null =>
  value === null ? null : (point?.texts[String(value)] ?? null);
