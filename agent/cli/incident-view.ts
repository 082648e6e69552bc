import type { ConditionSnapshot } from "../api/explain.ts";
import type { IncidentDetail, IncidentSnapshot, Related } from "../api/incidents.ts";
import { sayDuration } from "../core/duration.ts";
import { evidenceView, rangeOf, withUnit } from "./evidence-view.ts";
import { headline } from "./explain-view.ts";
import { callNote, stateWords, timeIn } from "./incidents-view.ts";
import { type Output, paint, table } from "./output.ts";
import { sparkline } from "./sparkline.ts";

type Told = IncidentDetail["events"][number];

/** How one incident looks on a terminal; `now`: how its condition stands, null where there is none any more. */
export function incidentView(
  { at, timeZone }: Pick<IncidentSnapshot, "at" | "timeZone">,
  incident: IncidentDetail,
  now: ConditionSnapshot | null,
  output: Output,
): void {
  const { events, cause, action, consequence, causes, consequences, evidence } = incident;
  const last = events.at(-1);
  if (last === undefined) return;
  const time = timeIn(at, timeZone);
  const title = events.findLast(({ kind }) => kind === "raise" || kind === "update")?.text ?? last.text;
  output.data(`${paint(output, last.severity, last.severity)}  ${title}`);
  output.data(paint(output, "dim", `  ${incident.conditionKey}, incident ${incident.incidentId}`));
  const said = [
    ["state", standing(last)],
    ["witnesses", last.witnesses?.map(({ name, says }) => `${name} ${says}`).join(", ")],
    ["cause", cause],
    ["consequence", consequence],
    ["action", action],
  ].flatMap(([name, text]) => (text == null ? [] : [[`${name}:`, text]]));
  for (const line of table(said)) output.data(`  ${line}`);
  const sinceMs = Date.parse(at) - Date.parse(last.raisedAt);
  const found = [...events.flatMap((event) => sampled(event, now)), ...evidenceView(evidence, sinceMs)];
  for (const line of [...found, ...related("caused by", causes), ...related("cause of", consequences)])
    output.data(`  ${line}`);
  const rows = events.map((event) => [time(event.at), doing(event), event.severity, ...by(event, time)]);
  for (const line of table(rows)) output.data(`  ${line}`);
  if (now !== null) output.data(`  now ${headline(now)}`);
}

function standing({ state, acked, ackedBy, flapping, annunciate, open }: Told): string {
  const attends = acked ? `${ackedBy ?? "somebody"} attends` : "nobody attends";
  if (!open) return acked ? `${stateWords[state]}, ${attends.replace("attends", "attended")}` : stateWords[state];
  return [stateWords[state], attends, ...(flapping ? ["flapping"] : []), ...callNote(state, annunciate)].join(", ");
}

const kinds: Readonly<Record<Told["kind"], string>> = {
  raise: "raised",
  update: "told again",
  clear: "cleared",
  ack: "acknowledged",
  close: "closed",
  shelve: "shelved",
  unshelve: "no longer shelved",
};

/** Where the reason says better than the kind what happened. */
const reasons: Readonly<Record<string, string>> = {
  severity_up: "worse",
  severity_down: "less severe",
  value: "another value",
  active_again: "active again",
  rtn_latched: "gone, latched",
  suppressed: "its cause is known",
  unsuppressed: "its cause is gone",
  unheld: "no cause has shown",
  maintenance_end: "maintenance is over",
  re_alarm: "called again",
  unack: "given back",
  flapping_start: "flaps",
  flapping_end: "is quiet",
  out_of_service: "out of service",
  in_service: "in service",
};

function doing({ kind, reason, witnesses }: Told): string {
  if (kind !== "update" || reason === undefined) return kinds[kind];
  return reason === "value" && witnesses !== undefined ? "other witnesses" : (reasons[reason] ?? reason);
}

/** Who did it, and why. */
function by(
  { kind, reason, ackedBy, silencedBy, silencedFor, silencedUntil }: Told,
  time: (iso: string) => string,
): string[] {
  if (kind === "ack") return [`by ${ackedBy ?? "somebody"}`];
  if (kind === "shelve" || reason === "out_of_service") {
    const end = silencedUntil === undefined ? "" : ` until ${time(silencedUntil)}`;
    return [`by ${silencedBy ?? "somebody"}${end} (${silencedFor ?? ""})`];
  }
  return kind !== "update" && reason !== undefined ? [reason.replaceAll("_", " ")] : [];
}

/** What was seen just before it was raised, and before it became worse. */
function sampled(event: Told, now: ConditionSnapshot | null): string[] {
  const { kind, context = [], companions = [] } = event;
  const when = kind === "raise" ? "before it was raised" : "before it became worse";
  const span = (context.at(-1)?.[0] ?? 0) - (context[0]?.[0] ?? 0);
  const bars = sparkline(context.map(([, value]) => value));
  const also = companions.map(({ point, value, unit }) => {
    return `${point.slice(point.indexOf("/") + 1)} ${value === null ? "not known" : withUnit(value, unit)}`;
  });
  return [
    ...(bars === "" ? [] : [`${when}, ${sayDuration(span)}: ${bars}  ${ends(event)}${limit(event, now)}`]),
    ...(also.length === 0 ? [] : [`then: ${also.join(", ")}`]),
  ];
}

/** The lowest and the highest value, with the name of the one that decided, where it has one. */
function ends({ context = [], unit, valueText }: Told): string {
  const known = context.flatMap(([, value]) => value ?? []);
  if (known.length === 0) return "no value";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const range = rangeOf(low, high, unit);
  return valueText === undefined ? range : `${range} (${valueText})`;
}

/** As the rule knows it: what is compared may be in another unit than the value. */
function limit({ level, limit: own, rule, unit }: Told, now: ConditionSnapshot | null): string {
  const known = now?.levels.find(({ name }) => name === level)?.limitText;
  if (known != null) return `, limit ${known}`;
  return own === undefined || rule.type !== "level" ? "" : `, limit ${withUnit(own, unit)}`;
}

/** What one incident has caused may be many. */
const relatedMax = 5;

function related(how: string, all: readonly Related[]): string[] {
  const more = all.length > relatedMax ? [`${how} ${all.length - relatedMax} more`] : [];
  return [...all.slice(0, relatedMax).map(({ conditionKey, text }) => `${how} ${conditionKey}: ${text}`), ...more];
}
