import type { ConditionSnapshot, ExplainSnapshot } from "../api/explain.ts";
import { sayDuration } from "../core/duration.ts";
import type { ConditionState, Why } from "../core/explanation.ts";
import { clockTime } from "../core/text.ts";
import { type Output, paint, table } from "./output.ts";

/** How explanations look on a terminal: for each condition a headline, its levels, what it reads, who is called, what comes. */
export function explainView({ at, timeZone, conditions }: ExplainSnapshot, target: string, output: Output): void {
  const telling: Telling = { at, time: (iso) => clockTime(Date.parse(iso), Date.parse(at), timeZone) };
  if (conditions.length === 0) output.data(`${target}: no rule reads it, so nothing can be wrong with it.`);
  const inOrder = conditions.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  for (const [i, one] of inOrder.entries()) {
    if (i > 0) output.data("");
    output.data(paint(output, styleOf(one), `${titleOf(one)}: ${headline(one)}`));
    output.data(paint(output, "dim", `  ${one.key}, ${one.type}`));
    if (one.incident?.text != null) output.data(`  ${one.incident.text}`);
    for (const line of table(one.levels.map((level) => levelRow(one, level, telling)))) output.data(`  ${line}`);
    for (const line of [
      ...inputLines(one),
      ...factLines(one),
      ...incidentLines(one, telling),
      ...silenceLines(one, telling),
    ])
      output.data(`  ${line}`);
  }
}

/** How it stands, and why, in one line. */
export const headline = (one: ConditionSnapshot): string => `${words[one.state]} – ${sentences[one.why](one)}`;

interface Telling {
  /** When this is so. */
  readonly at: string;
  /** An instant in the site's time zone. */
  time(iso: string): string;
}

const words: Readonly<Record<ConditionState, string>> = {
  active: "ACTIVE",
  "pending-off": "CLEARING",
  flapping: "FLAPPING",
  latched: "LATCHED",
  "rtn-unacked": "GONE, NOT ACKNOWLEDGED",
  "pending-on": "PENDING",
  normal: "NORMAL",
};
/** What matters first comes first. */
const order = Object.keys(words);

const sentences: Readonly<Record<Why, (one: ConditionSnapshot) => string>> = {
  "within-limits": (one) => {
    const value = one.measure?.text ?? null;
    return value === null ? `${said(one)}no alarm by this rule` : `${value}, within its limits`;
  },
  "beyond-limit": (one) => {
    const value = one.measure?.text ?? null;
    return value === null ? `${said(one)}an alarm by this rule` : `${value}, beyond its limit`;
  },
  "in-deadband": ({ measure }) => `${measure?.text ?? "it"}, back inside its limit, but not yet by the deadband`,
  "waiting-on": () => "the delay before it raises is running",
  "waiting-off": () => "it is gone; the delay before it clears is running",
  flapping: () => "it comes and goes; nobody is told again before it has been quiet",
  "waits-for-reset": () => "it is gone, and stays open until someone resets it",
  "waits-for-ack": () => "it is gone, and stays open until someone acknowledges it",
  due: () => "it changes as soon as it is judged again",
  "never-seen": () => "nothing was seen of it since the agent started",
  "value-bad": () => "its value cannot be believed, which neither raises nor clears",
  "device-unreachable": () => "the device does not answer, which neither raises nor clears this",
  "window-not-filled": () => "its window does not hold enough good samples yet",
  "reference-unknown": () => "what it is compared with is not known",
  blanked: () => "its set-point has just changed; not judged for a while",
  "inputs-unknown": () => "too little is known of what it reads",
  "not-running": () => "the plant does not run, or it is not known whether it does",
  "parent-not-asked": () => "what it is reached through has not been asked since",
  "never-answered": () => "the device has not answered since the agent started",
  "measure-unknown": () => "what it measures is not known",
};

/** "unit stopped: ", of a rule that is only on or off and reads one point. */
function said({ inputs }: ConditionSnapshot): string {
  const [one, ...others] = inputs;
  return one === undefined || others.length > 0 || one.text === null ? "" : `${one.name} ${one.text}: `;
}

/** The rule's own name with the side or bit: what follows the point in the key. */
const titleOf = ({ where, key }: ConditionSnapshot): string => `${where} ${key.split("/").slice(3).join("/")}`;

const styleOf = ({ state, incident }: ConditionSnapshot): string =>
  incident !== null ? incident.severity : state === "normal" ? "cleared" : "low";

type LevelShown = ConditionSnapshot["levels"][number];

function levelRow({ side }: ConditionSnapshot, level: LevelShown, telling: Telling): string[] {
  const { name, severity, op, limitText, clearsAtText } = level;
  const called = name === severity ? name : `${name} (${severity})`;
  const beyond = side === "high" ? "above" : "below";
  const limits =
    op === "gt"
      ? `${beyond} ${limitText}, clears at ${clearsAtText}`
      : `${limitText} or ${side === "high" ? "more" : "less"}, clears ${side === "high" ? "below" : "above"} ${clearsAtText}`;
  return [called, ...(limitText === null ? [] : [limits]), standing(level, telling)];
}

function standing({ active, verdict, inDeadband, waiting }: LevelShown, { at, time }: Telling): string {
  const is = active ? "ACTIVE" : { true: "met", false: "not met", unknown: "not known" }[verdict];
  if (waiting === null) {
    const held = verdict === "unknown" ? ", held as it was" : inDeadband ? ", in its deadband" : "";
    return active ? `${is}${held}` : is;
  }
  const { since, firesAt, by, confirmedUntil } = waiting;
  const does = active ? "clears" : "raises";
  const lapsed = confirmedUntil !== null && Date.parse(confirmedUntil) < Date.parse(at);
  const ends = lapsed
    ? "but was not confirmed for too long: it counts anew"
    : `${does} at ${time(firesAt)}${by === "timer" ? "" : " if a sample confirms it"}`;
  return `${active ? "ACTIVE, gone" : "met"} since ${time(since)}, ${ends}`;
}

const inputLines = ({ inputs }: ConditionSnapshot): string[] =>
  inputs.map(({ name, point, value, text, quality, reason, ageMs }) => {
    if (point.startsWith("@")) return `rule ${name}: ${text ?? "not known"}`;
    if (quality === null) return `${name}: not seen since the agent started`;
    const age = ageMs === null ? "" : `, ${sayDuration(ageMs)} ago`;
    // The number behind a name, by which a site file knows it.
    const isNamed = text !== null && Number.isNaN(Number.parseFloat(text)) && !point.includes("/$");
    const number = isNamed ? ` (${value})` : "";
    return `${name} ${text ?? "without a value"}${number}, ${quality}${reason === null ? "" : ` (${reason})`}${age}`;
  });

function factLines({ facts }: ConditionSnapshot): string[] {
  const known = Object.entries(facts).filter(([name, value]) => name !== "missing" && value !== null);
  return known.length === 0 ? [] : [known.map(([name, value]) => sayFact(name, value)).join(", ")];
}

/** windowSpanS: 60 → "window span 60 s"; slopePerMin: 2 → "slope 2 per min". */
function sayFact(name: string, value: number | string | null): string {
  const parts = name.split(/(?=[A-Z])/).map((part) => part.toLowerCase());
  const shown = typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
  const unitFrom = parts.at(-2) === "per" ? -2 : parts.at(-1) === "s" ? -1 : parts.length;
  return [...parts.slice(0, unitFrom), shown, ...parts.slice(unitFrom)].join(" ");
}

const doings: Readonly<Record<NonNullable<ConditionSnapshot["ahead"]>["kind"], string>> = {
  raise: "raised",
  update: "told again",
  clear: "cleared",
  ack: "acknowledged",
  close: "closed",
  shelve: "shelved",
  unshelve: "no longer shelved",
};

function incidentLines({ incident, ahead, flapping }: ConditionSnapshot, { time }: Telling): string[] {
  const lines: string[] = [];
  if (incident !== null) {
    const { incidentId, onset, raised, cleared, acked, needsAck } = incident;
    const gone = cleared === null ? "" : `, gone since ${time(cleared)}`;
    const ack = acked ? `, acknowledged by ${acked.by}` : needsAck ? ", to be acknowledged" : "";
    lines.push(`incident ${incidentId ?? ""} since ${time(onset)}, raised at ${time(raised)}${gone}${ack}`);
  }
  if (flapping?.movesAt != null) lines.push(`flapping: looked at again at ${time(flapping.movesAt)}`);
  if (ahead !== null) {
    const called = ahead.annunciate ? "" : ", nobody is called";
    const why = ahead.reason === null ? "" : ` (${ahead.reason})`;
    lines.push(`if nothing else comes: ${doings[ahead.kind]}${why} at ${time(ahead.at)}${called}`);
  }
  return lines;
}

/** Why nobody is called for it, and until when. */
function silenceLines(
  { shelf, maintenance, outOfService, causes, incident, witnessOf }: ConditionSnapshot,
  { time }: Telling,
): string[] {
  const lines = causes.map(({ rule, until }) =>
    until === null ? `suppressed while ${rule} is active` : `suppressed by ${rule} until ${time(until)}`,
  );
  const by = ({ by: who, reason }: { readonly by: string; readonly reason: string }): string => `by ${who} (${reason})`;
  if (shelf !== null)
    lines.push(`shelved ${by(shelf)} until ${shelf.until === null ? "it clears" : time(shelf.until)}`);
  if (maintenance?.until != null) lines.push(`in maintenance ${by(maintenance)} until ${time(maintenance.until)}`);
  if (outOfService !== null) lines.push(`out of service ${by(outOfService)}`);
  if (witnessOf !== null) lines.push(`a witness of ${witnessOf}, which is what calls`);
  if (incident?.heldUntil != null) lines.push(`waits for a cause to show until ${time(incident.heldUntil)}`);
  return lines.map((line) => `${line}: nobody is called`);
}
