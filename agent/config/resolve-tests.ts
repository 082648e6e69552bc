import type { Command } from "../core/command.ts";
import { changeKinds } from "../core/incident.ts";
import { inside, type Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import { entriesOf, lengthOf } from "./series.ts";
import {
  apart,
  type Deed,
  type Expected,
  type NamedCondition,
  type NamedPoint,
  type Subject,
  sayWhich,
  type Test,
  type Which,
  writeDuration,
} from "./suite.ts";
import { deedKinds, type TestConfig } from "./tests.ts";

/** Of names that are not there: whether they are not to be called unknown, since what is wrong with them was told. */
export type Told = (what: "point" | "rule", name: string) => boolean;

/**
 * From tests as written to tests with nothing left open: names become points and conditions, times are compared.
 */
export function resolveTests(
  written: readonly (TestConfig | null)[],
  subject: Subject,
  place: Place,
  told: Told,
  problems: Problem[],
): Test[] {
  const sound = problems.length === 0;
  return written.flatMap((config, i) => {
    if (config === null) return [];
    const here = inside(place, ["tests", i]);
    const tell: Tell = (path, what) => void problems.push(here.problem(path, what));
    const { file, line } = here.problem([], "");
    return [{ name: config.name, file, line, ...resolveTest({ config, subject, sound, told, tell }) }];
  });
}

type Tell = (path: readonly PropertyKey[], what: string) => void;

interface Reading {
  readonly config: TestConfig;
  readonly subject: Subject;
  /** Nothing is wrong with the rules, as far as is known. */
  readonly sound: boolean;
  readonly told: Told;
  readonly tell: Tell;
}

function resolveTest(reading: Reading): Omit<Test, "name" | "file" | "line"> {
  const { config, subject } = reading;
  const intervalMs = config.interval ?? subject.intervalMs;
  const series = Object.entries(config.series).flatMap(([name, entries]) => {
    const point = pointNamed(reading, ["series", name], name);
    if (point === null) return [];
    if (name.endsWith("$comm")) checkAnswers(reading, name);
    return [{ point: point.definition, entries }];
  });
  const endMs = endOf(reading, intervalMs);
  const rules = judged(reading, new Set(series.map(({ point }) => point.id)));
  const deeds = config.do.flatMap((one, i) => deedOf(reading, one, ["do", i], endMs));
  const expected = config.expect.flatMap((one, i) => expectedOf(reading, one, ["expect", i], endMs, rules));
  return { intervalMs, endMs, series, deeds, rules, expected };
}

function checkAnswers({ config, tell }: Reading, name: string): void {
  for (const entry of entriesOf(config.series[name] ?? [])) {
    if (entry === 0 || entry === 1 || entry === null) continue;
    tell(["series", name], `${entry} is no answer; expected 1 (answered), 0 (did not) or _`);
    return;
  }
}

function endOf({ config, tell }: Reading, intervalMs: number): number {
  const last = (Math.max(...Object.values(config.series).map(lengthOf)) - 1) * intervalMs;
  if (config.end === undefined) return Math.max(last, ...config.do.map(({ at }) => at));
  if (config.end < last) tell(["end"], `the last entry is at ${writeDuration(last)}; expected an end then or later`);
  return config.end;
}

/** Rules that the test is about: those it names, else all that read one of its series. */
function judged(reading: Reading, fed: ReadonlySet<string>): ReadonlySet<number> {
  const { config, subject, sound, tell } = reading;
  if (config.rules !== undefined) {
    const named = config.rules.flatMap((name, i) => conditionsOf(reading, ["rules", i], name, {}));
    return new Set(named.map(([, { index }]) => index));
  }
  const reads = [...subject.conditions.values()].filter(({ index }) =>
    Object.values(subject.model.rules[index]?.inputs ?? {}).some((input) => fed.has(input)),
  );
  if (reads.length === 0 && sound && fed.size === Object.keys(config.series).length)
    tell(["series"], "no rule reads any of these points; expected a point that a rule is about");
  return new Set(reads.map(({ index }) => index));
}

function deedOf(
  reading: Reading,
  written: TestConfig["do"][number],
  path: readonly PropertyKey[],
  endMs: number,
): Deed[] {
  const { at, for: forMs = null, side, bit, point } = written;
  checkTime(reading, path, at, endMs);
  if (written.replaced !== undefined) {
    const found = pointNamed(reading, [...path, "replaced"], written.replaced);
    return found === null ? [] : [{ at, command: null, replaced: found.definition.id }];
  }
  const name = deedKinds.find((kind) => written[kind] !== undefined);
  if (name === undefined || name === "replaced") return [];
  const rule = written[name] ?? "";
  const attends = name === "ack" || name === "reset";
  const meant = conditionsOf(reading, [...path, name], rule, { side, bit, point });
  const keys = new Set(meant.map(([key, { fact }]) => (attends ? (fact ?? key) : key)));
  return [{ at, command: commandOf(name, forMs), rule, keys: [...keys] }];
}

/** Tests are about what happens, not about who may. */
const by = { user: "test", role: "supervisor" } as const;
const why = { reason: "as the test says", named: true };

function commandOf(name: Exclude<(typeof deedKinds)[number], "replaced">, forMs: number | null): Command {
  if (name === "shelve") return { name, forMs, by, ...why };
  return name === "maintenance" ? { name, forMs: forMs ?? 0, by, ...why } : { name, by };
}

function expectedOf(
  reading: Reading,
  written: TestConfig["expect"][number],
  path: readonly PropertyKey[],
  endMs: number,
  rules: ReadonlySet<number>,
): Expected[] {
  const { at, side, bit, point, severity = null, reason = null, annunciate } = written;
  checkTime(reading, path, at, endMs);
  const kind = changeKinds.find((one) => written[one] !== undefined);
  if (kind === undefined) return [];
  const rule = written[kind] ?? "";
  const which = { side, bit, point };
  const found = conditionsOf(reading, [...path, kind], rule, which);
  if (found.length > 0 && !found.some(([, { index }]) => rules.has(index))) {
    const what = `"${rule}" is not judged in this test; expected it among its rules, or a series that it reads`;
    reading.tell([...path, kind], what);
  }
  return [{ at, kind, rule, which, keys: new Set(found.map(([key]) => key)), severity, reason, annunciate }];
}

function checkTime({ tell }: Reading, path: readonly PropertyKey[], at: number, endMs: number): void {
  if (at <= endMs) return;
  tell([...path, "at"], `the test ends at ${writeDuration(endMs)}; expected a time until then, or a later end`);
}

function pointNamed(
  { subject: { points }, told, tell }: Reading,
  path: readonly PropertyKey[],
  name: string,
): NamedPoint | null {
  const found = points.get(name);
  if (found === undefined && !told("point", name)) tell(path, unknown("point", name, [...points.keys()]));
  return found ?? null;
}

/** The conditions of a rule, or those of them that are meant. */
function conditionsOf(
  { subject, told, tell }: Reading,
  path: readonly PropertyKey[],
  name: string,
  which: Which,
): [string, NamedCondition][] {
  const all = [...subject.conditions].filter(([, { rule }]) => rule === name);
  if (all.length === 0 && !told("rule", name)) {
    const known = new Set([...subject.conditions.values()].map(({ rule }) => rule));
    tell(path, unknown("rule", name, [...known]));
  }
  const meant = all.filter(([, one]) =>
    (["side", "bit", "point"] as const).every((key) => isSame(which, one.which, key)),
  );
  if (all.length > 0 && meant.length === 0) {
    const each = all.map(([, one]) => sayWhich(apart(subject, one)) || sayWhich(one.which));
    tell(path, `"${name}" has nothing with ${sayWhich(which)}; expected ${each.join(" or ")}`);
  }
  return meant;
}

const isSame = (wanted: Which, has: Which, key: keyof Which): boolean =>
  wanted[key] === undefined || wanted[key] === has[key];

/** In a site the names of one device, if there is such a one, are enough to choose from. */
function unknown(what: "point" | "rule", name: string, known: readonly string[]): string {
  const inSite = known.some((one) => one.includes("/"));
  const near = inSite ? known.filter((one) => deviceOf(one) === deviceOf(name)) : known;
  const expected = near.length > 0 ? `one of ${near.join(", ")}` : what === "point" ? "DEVICE/POINT" : "DEVICE/RULE";
  // The same device alone does not make two names alike.
  const alike = near.length === 0 || didYouMean(ownOf(name), near.map(ownOf)) !== "";
  return `no ${what} "${name}"; expected ${expected}.${alike ? didYouMean(name, known) : ""}`;
}

const deviceOf = (name: string): string => name.split("/")[0] ?? "";
const ownOf = (name: string): string => name.slice(name.indexOf("/") + 1);
