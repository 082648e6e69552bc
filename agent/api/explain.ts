import type { DevicePoint, Site } from "../config/resolved.ts";
import type { Explanation, IncidentExplained, Input, LevelExplained } from "../core/explanation.ts";
import type { Language } from "../core/language.ts";
import type { Rule } from "../core/model.ts";
import { ruleOf, silenced } from "../core/rule.ts";
import type { Instant } from "../core/sample.ts";
import { number, unitSign } from "../core/text.ts";
import type { ConditionExplained, Explained, Unknown } from "../pipeline/explain.ts";
import { whereOf } from "../pipeline/telling.ts";
import { shownValue } from "./status.ts";

/** What `mepwatch explain` shows, as data: times in RFC 3339, and beside each number how people read it. */
export interface ExplainSnapshot {
  readonly at: string;
  readonly site: string;
  readonly timeZone: string;
  readonly conditions: readonly ConditionSnapshot[];
}

export interface ConditionSnapshot extends Omit<Timed<Explanation>, "inputs" | "measure" | "levels" | "incident"> {
  /** The device and where it stands. */
  readonly where: string;
  /** Key of the one incident that it is a witness of, which alone calls; null: of none. */
  readonly witnessOf: string | null;
  readonly inputs: readonly (Timed<Input> & {
    readonly name: string;
    /** Null: none is known. */
    readonly text: string | null;
    readonly ageMs: number | null;
  })[];
  /** A bound that is null is none. `text` null: it is only on or off. */
  readonly measure: { readonly lo: number | null; readonly hi: number | null; readonly text: string | null } | null;
  readonly levels: readonly (Timed<LevelExplained> & {
    /** How people read the limit, and where it clears; null: it is only on or off. */
    readonly limitText: string | null;
    readonly clearsAtText: string | null;
  })[];
  /** `text`: what the centre was told last. */
  readonly incident:
    | (Timed<IncidentExplained> & { readonly incidentId: string | null; readonly text: string | null })
    | null;
}

/** The same with every instant as RFC 3339. */
type Timed<T> = T extends Instant
  ? string
  : T extends readonly (infer Each)[]
    ? readonly Timed<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Timed<T[Key]> }
      : T;

export function explanations(
  { id, timeZone, language, devices }: Site,
  { now, conditions }: Explained,
): ExplainSnapshot {
  const points = new Map(devices.flatMap((device) => device.points.map((point) => [point.id, point] as const)));
  return {
    at: iso(now),
    site: id,
    timeZone,
    conditions: conditions.map((one) => conditionOf(one, points, language, now)),
  };
}

function conditionOf(
  { explanation, rule, about, record }: ConditionExplained,
  points: ReadonlyMap<string, DevicePoint>,
  language: Language,
  now: Instant,
): ConditionSnapshot {
  const { measure, levels, inputs, incident } = explanation;
  const unit = unitSign(about.point?.unit ?? "1");
  const text = (value: number): string | null => shown(rule, value, unit);
  return {
    ...timed(explanation),
    where: whereOf(about.device, language),
    witnessOf: about.fact === explanation.key ? null : about.fact,
    inputs: inputs.map((input) => ({
      ...timed(input),
      ...named(input, points.get(input.point)),
      ageMs: input.at === null ? null : now.at - input.at.at,
    })),
    measure: measure && { lo: finite(measure.lo), hi: finite(measure.hi), text: bounds(measure, text) },
    levels: levels.map((level) => ({
      ...timed(level),
      limitText: text(level.limit),
      clearsAtText: text(level.clearsAt),
    })),
    incident: incident && {
      ...timed(incident),
      incidentId: record?.incidentId ?? null,
      text: record?.text ?? null,
    },
  };
}

/** What a rule is called, or the agent's own points are, which no site file names. */
const ownTexts = { "1": "answered", "0": "not answered" };

function named(
  { point, value }: Pick<Input, "point" | "value">,
  known: DevicePoint | undefined,
): { readonly name: string; readonly text: string | null } {
  const text = (texts: Readonly<Record<string, string>>, unit: string): string | null =>
    value === null ? null : shownValue({ texts, unit }, value);
  if (known !== undefined) return { name: known.name, text: text(known.texts, known.unit) };
  if (point.startsWith("@"))
    return {
      name: ruleOf(point),
      text: value === null ? null : value === silenced ? "silenced" : value > 0 ? "active" : "not active",
    };
  const isExchange = point.endsWith("/$comm");
  return { name: isExchange ? "exchange" : point, text: text(isExchange ? ownTexts : {}, "1") };
}

const shown = ({ type, config }: Rule, value: number, unit: string): string | null =>
  type.shown === undefined ? `${number(value)} ${unit}`.trim() : type.shown(config, value, unit);

/** "26.4 °C", "at least 3 °C": as far as it is known. */
function bounds(
  { lo, hi }: { readonly lo: number; readonly hi: number },
  text: (value: number) => string | null,
): string | null {
  const [low, high] = [text(lo), text(hi)];
  if (lo === hi || low === null || high === null) return low;
  if (!Number.isFinite(hi)) return `at least ${low}`;
  return Number.isFinite(lo) ? `between ${low} and ${high}` : `at most ${high}`;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const iso = ({ wall }: Instant): string => new Date(wall).toISOString();

function timed<T>(value: T): Timed<T>;
function timed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => timed(each));
  if ("wall" in value && "at" in value) return iso(value as Instant);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, timed(each)]));
}

const namedMax = 20;

/** What there is none of, and what there is instead. */
export function sayUnknown({ what, name, known, hint }: Unknown): string {
  const more = known.length > namedMax ? ` and ${known.length - namedMax} more` : "";
  const expected =
    known.length === 0 ? "there is none" : `expected one of ${known.slice(0, namedMax).join(", ")}${more}`;
  return `no ${what} "${name}"; ${expected}.${hint}`;
}
