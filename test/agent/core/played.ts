import { expect } from "vitest";
import * as z from "zod";
import type { Command } from "../../../agent/core/command.ts";
import type { Event } from "../../../agent/core/engine.ts";
import { explain } from "../../../agent/core/explain.ts";
import type { Explanation } from "../../../agent/core/explanation.ts";
import { compileRule, type Model, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { type RuleType, ruleOptions } from "../../../agent/core/rule.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import type { BadReason, Sample } from "../../../agent/core/sample.ts";
import { newestSamples } from "../../../agent/pipeline/newest.ts";
import { type Rehearsal, rehearse } from "../../../agent/simulate/rehearsal.ts";

/** A device "d", polled each 10 s; the wall clock is at a million seconds when the engine begins. */
const pollMs = 10_000;
export const wallOf = (at: number): number => 1_000_000_000 + at;

export type Rules = Readonly<Record<string, object>>;
export type Given = RuleConfig & { readonly type: string; readonly point: string };

export function modelFor(rules: Rules, types: readonly RuleType[] = ruleTypes): Model {
  const hasComm = Object.values(rules).some((one) => (one as Given).type === "comm");
  return modelOf(
    Object.entries(rules).map(
      ([id, { type: named, point: own = "p", ...options }]: [string, { type?: string; point?: string }]) => {
        const type = types.find((one) => one.type === named)!;
        const config = z.strictObject({ ...ruleOptions, ...type.options }).parse(options) as RuleConfig;
        const point = `d/${own}`;
        const unreachableWhen = hasComm && named !== "comm" ? ["d/comm"] : [];
        const scope = { point, device: "d", definition: plainPoint(point), pollMs, rule: `d/${id}`, unreachableWhen };
        return compileRule(type, config, scope, `s/d/${own}/${id}`);
      },
    ),
  );
}

/** At a second: a value of a point, or why there is none; or what a person wants of a condition. */
export type Happening =
  | readonly [t: number, point: string, value: number | BadReason]
  | readonly [t: number, key: string, command: Command];

/** Values of a point, so many seconds apart, from 0 s on. */
export const every = (step: number, values: readonly (number | BadReason)[], point = "p"): Happening[] =>
  values.map((value, i) => [i * step, point, value]);

export interface Played {
  readonly model: Model;
  readonly rehearsal: Rehearsal;
  readonly events: Event[];
  ask(t: number): readonly Explanation[];
}

export function play(model: Model, story: readonly Happening[]): Played {
  const events: Event[] = [];
  const rehearsal = rehearse(model, wallOf, (event) => events.push(event));
  const newest = newestSamples();
  for (const [t, name, what] of story) {
    const at = t * 1000;
    rehearsal.advance(at);
    if (typeof what === "object") expect(rehearsal.command(name, what, at)).toBeNull();
    else {
      const sample = sampleOf(`d/${name}`, at, what);
      newest.note([sample]);
      rehearsal.sample(sample);
    }
    rehearsal.settle(at);
  }
  const ask = (t: number): readonly Explanation[] => {
    const at = t * 1000;
    rehearsal.advance(at);
    rehearsal.settle(at);
    const known = { ...rehearsal.state, newest: newest.of };
    return model.rules.flatMap((_, index) => explain(model, known, index, { at, wall: wallOf(at) }));
  };
  return { model, rehearsal, events, ask };
}

function sampleOf(point: string, at: number, what: number | BadReason): Sample {
  const base = { point, at, wall: wallOf(at) };
  return typeof what === "number"
    ? { ...base, quality: "good", value: what }
    : { ...base, quality: "bad", reason: what };
}

/** A rule of two levels on one side. */
export const twoLevels = (also: object = {}): Rules => ({
  hot: {
    type: "level",
    levels: [
      { limit: 27, deadband: 1, severity: "low" },
      { limit: 32, deadband: 2, severity: "critical" },
    ],
    ...also,
  },
});
