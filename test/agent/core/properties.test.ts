import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Event } from "../../../agent/core/engine.ts";
import { compileRule, type Model, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import type { Sample } from "../../../agent/core/sample.ts";
import { rank } from "../../../agent/core/severity.ts";
import { type Rehearsal, rehearse } from "../../../agent/simulate/rehearsal.ts";

/** What must hold of the engine whatever comes in. Points are read each 10 s. */
const pollMs = 10_000;
const by = { user: "somebody", role: "supervisor" } as const;
const why = { reason: "for a test", named: true };

const level = (also: object) => ({
  type: "level",
  levels: [
    { limit: 20, deadband: 2, severity: "low" },
    { limit: 30, deadband: 2, severity: "high" },
    { side: "low", limit: 5, deadband: 1, severity: "medium" },
  ],
  ...also,
});
/** Judged by the newest value and the delays alone: what they remember survives a restart. */
const lasting: Readonly<Record<string, object>> = {
  plain: level({}),
  delayed: level({ onDelay: "20s", offDelay: "30s" }),
  acknowledged: level({ ackRequired: true, onDelay: "10s" }),
  latched: {
    type: "state",
    normal: [0],
    map: { 10: "high", 25: "critical", 40: "critical" },
    latch: true,
    ackRequired: true,
  },
  bits: { type: "bits", bits: { 0: { severity: "low" }, 3: { severity: "high", invert: true } }, offDelay: "10s" },
  flapping: level({ flap: { count: 3, window: "120s", quiet: "60s" } }),
  nagging: level({ reAlarm: "45s", ackRequired: true }),
  sampled: level({ flap: { mode: "nagios", slot: "20s", high: 20, low: 10 } }),
  suppressed: level({ suppressedBy: ["POINT/delayed", "POINT/latched"], onDelay: "10s" }),
  timer: level({ delayMode: "timer", onDelay: "25s", offDelay: "15s" }),
  expression: { type: "expression", inputs: { v: "POINT" }, when: "v > 20.0", severity: "medium" },
};
const windowed: Readonly<Record<string, object>> = {
  roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 20, deadband: 5, severity: "high" }] },
  excursion: { type: "excursion", window: "60s", levels: [{ limit: 15, deadband: 2, severity: "low" }] },
  ttl: { type: "ttl", window: "60s", target: 40, levels: [{ limit: 120, deadband: 30, severity: "medium" }] },
  flatline: { type: "flatline", window: "40s", minSamples: 3 },
  vote: { type: "vote", k: 2, inputs: [{ rule: "POINT/plain" }, { rule: "POINT/roc" }, { point: "POINT", limit: 20 }] },
  both: {
    type: "expression",
    inputs: { a: { rule: "POINT/bits" }, v: "POINT" },
    when: "a && v > 20.0",
    onDelay: "15s",
  },
};
const all = { ...lasting, ...windowed };

function modelFor(rules: Readonly<Record<string, object>>, points: readonly string[]): Model {
  return modelOf(
    points.flatMap((point) =>
      Object.entries(rules).map(([id, written]: [string, object]) => {
        const { type: named, ...options } = JSON.parse(JSON.stringify(written).replaceAll("POINT", point));
        const type = ruleTypes.find(({ type }) => type === named)!;
        const config = z.strictObject({ ...ruleOptions, ...type.options }).parse(options) as RuleConfig;
        const scope = {
          point,
          device: "",
          definition: plainPoint(point),
          pollMs,
          rule: `${point}/${id}`,
          unreachableWhen: [],
        };
        return compileRule(type, config, scope, `${point}/${id}`);
      }),
    ),
  );
}

/** Values around the limits; null: a bad sample. */
const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 3, 10, 18.5, 21, 25, 29, 31, 40) },
  fc.constant(null),
);
const series = fc.array(value, { minLength: 1, maxLength: 40 });

const sampleOf = (point: string, at: number, seen: number | null): Sample =>
  seen === null
    ? { point, at, wall: at, quality: "bad", reason: "timeout" }
    : { point, at, wall: at, quality: "good", value: seen };

interface Play {
  readonly began?: number;
  /** Called before the samples of a step. */
  readonly meanwhile?: (rehearsal: Rehearsal, i: number, at: number) => void;
}

function play(model: Model, input: Readonly<Record<string, readonly (number | null)[]>>, options: Play = {}): Event[] {
  const { began = 0, meanwhile = () => {} } = options;
  const events: Event[] = [];
  const rehearsal = rehearse(
    model,
    (at) => at,
    (event) => events.push(event),
  );
  const length = Math.max(...Object.values(input).map((values) => values.length));
  for (let i = 0; i < length; i++) {
    const at = began + i * pollMs;
    rehearsal.advance(at);
    meanwhile(rehearsal, i, at);
    for (const [point, values] of Object.entries(input)) {
      if (i < values.length) rehearsal.sample(sampleOf(point, at, values[i]!));
    }
    rehearsal.settle(at);
  }
  return events;
}

const told = ({ now, kind, reason, condition, level, rev, annunciate }: Event, began = 0): string =>
  [(now.at - began) / 1000, kind, reason, condition.key, level.severity, rev, annunciate].join(" ");

describe("whatever comes in", () => {
  test("a sample that is not good raises nothing and clears nothing", () => {
    fc.assert(
      fc.property(series, (values) => {
        const events = play(modelFor(all, ["p"]), { p: values });
        const bad = new Set(values.flatMap((seen, i) => (seen === null ? [i * pollMs] : [])));
        const decided = events.filter(({ now, sample }) => bad.has(now.at) && sample !== null);
        expect(decided.map((event) => told(event))).toEqual([]);
      }),
    );
  });

  test("bad samples among good ones change no event of rules that judge values as they come", () => {
    fc.assert(
      fc.property(series, (values) => {
        const { plain } = lasting;
        const model = modelFor({ plain: plain! }, ["p"]);
        const good = values.map((seen, i) => ({ seen, i })).filter(({ seen }) => seen !== null);
        const events: Event[] = [];
        const rehearsal = rehearse(
          model,
          (at) => at,
          (event) => events.push(event),
        );
        for (const { seen, i } of good) rehearsal.sample(sampleOf("p", i * pollMs, seen));
        expect(play(model, { p: values }).map((event) => told(event))).toEqual(events.map((event) => told(event)));
      }),
    );
  });

  test("saving and restoring at any point changes no event", () => {
    fc.assert(
      fc.property(series, fc.nat(39), (values, when) => {
        const model = modelFor(lasting, ["p"]);
        const restart: Play = {
          meanwhile(rehearsal, i, at) {
            if (i === when) rehearsal.restart(at);
          },
        };
        expect(play(model, { p: values }, restart).map((event) => told(event))).toEqual(
          play(model, { p: values }).map((event) => told(event)),
        );
      }),
    );
  });

  test("the order of devices changes no device's events", () => {
    fc.assert(
      fc.property(series, series, series, (a, b, c) => {
        const own = (events: readonly Event[], point: string): string[] =>
          events.filter(({ condition }) => condition.key.startsWith(`${point}/`)).map((event) => told(event));
        const one = play(modelFor(all, ["a", "b", "c"]), { a, b, c });
        const other = play(modelFor(all, ["c", "a", "b"]), { c, a, b });
        for (const point of ["a", "b", "c"]) expect(own(other, point)).toEqual(own(one, point));
      }),
      { numRuns: 30 },
    );
  });

  test("it makes no difference when it happens", () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 2 ** 40 }), (values, began) => {
        const later = play(modelFor(all, ["p"]), { p: values }, { began });
        expect(later.map((event) => told(event, began))).toEqual(
          play(modelFor(all, ["p"]), { p: values }).map((event) => told(event)),
        );
      }),
    );
  });

  const command = fc.record({
    at: fc.nat(39),
    key: fc.constantFrom(...Object.keys(lasting)),
    name: fc.constantFrom("ack", "reset", "unshelve", "shelve", "maintenance"),
    forMs: fc.integer({ min: 1, max: 200_000 }),
  });

  test("one incident is open at most, revisions count, and each raise has exactly one end", () => {
    fc.assert(
      fc.property(series, fc.array(command, { maxLength: 20 }), (values, commands) => {
        const rules = { ...all };
        const model = modelFor(rules, ["p"]);
        const keys = [...model.conditions.keys()];
        const meanwhile: Play["meanwhile"] = (rehearsal, i, at) => {
          for (const { key, name, forMs } of commands.filter((one) => one.at === i)) {
            for (const each of keys.filter((one) => one.startsWith(`p/${key}`))) {
              if (name === "shelve" || name === "maintenance") rehearsal.command(each, { name, forMs, by, ...why }, at);
              else rehearsal.command(each, { name: name as "ack", by }, at);
            }
          }
          // At last everything becomes normal, and somebody takes care of what waits.
          if (i !== values.length + 40) return;
          for (const each of keys)
            for (const last of ["ack", "reset"] as const) rehearsal.command(each, { name: last, by }, at);
        };
        // 10 is within all limits, 0 normal for states; both bits of 8 are as they should be.
        const ending = (normal: number): number[] => Array.from({ length: 41 }, () => normal);
        for (const [id, rule] of Object.entries(rules)) {
          const type = (rule as { type: string }).type;
          if (type === "flatline") continue; // a calm end is what it raises on
          const normal = type === "state" ? 0 : type === "bits" ? 8 : 10;
          const events = play(modelFor({ [id]: rule }, ["p"]), { p: [...values, ...ending(normal)] }, { meanwhile });
          for (const key of new Set(events.map(({ condition }) => condition.key))) {
            const own = events.filter(({ condition }) => condition.key === key);
            check(own);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** The events of one condition, from the first raise to the last end. */
function check(events: readonly Event[]): void {
  const incidents = new Map<number, Event[]>();
  for (const event of events) incidents.set(event.occurrence, [...(incidents.get(event.occurrence) ?? []), event]);
  for (const [occurrence, own] of incidents) {
    expect(own.map(({ rev }) => rev)).toEqual(own.map((_, i) => own[0]!.rev + i));
    if (occurrence === 0) continue;
    const kinds = own.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "raise")).toHaveLength(1);
    const worst = Math.max(...own.map(({ level }) => rank(level.severity)));
    const terminal = worst >= own[0]!.rule.policy.ackFrom ? "close" : "clear";
    expect(kinds.filter((kind) => kind === terminal)).toHaveLength(1);
  }
  const opened = events.filter(({ kind }) => kind === "raise" || kind === "clear" || kind === "close");
  let open = 0;
  for (const { kind, open: goesOn } of opened) {
    if (kind === "raise") open++;
    else if (!goesOn && open > 0) open = 0;
    expect(open).toBeLessThanOrEqual(1);
  }
}
