import { entriesOf } from "../config/series.ts";
import type { Deed, Suite, Test } from "../config/suite.ts";
import type { Command } from "../core/command.ts";
import type { Event } from "../core/engine.ts";
import { assess } from "../core/quality.ts";
import type { Mono } from "../core/sample.ts";
import { type Compared, compare } from "./compare.ts";
import { type Rehearsal, rehearse } from "./rehearsal.ts";

/** Runs the tests that people write of their rules: the same engine as the agent's, fed with the series of each. */
export interface Verdict {
  readonly test: Test;
  readonly passed: boolean;
  /** Expected events and those that came, side by side, in the order of time. */
  readonly compared: readonly Compared[];
  /** Deeds that were not obeyed, and why: no failure in itself, but often the reason of one. */
  readonly refused: readonly Refused[];
  /** Why it could not be run to its end; null: it was. */
  readonly broken: string | null;
}

export interface Refused {
  readonly at: Mono;
  readonly command: Command["name"];
  readonly rule: string;
  readonly why: string;
}

export const runTests = (suite: Suite): Verdict[] => suite.tests.map((test) => runTest(suite, test));

function runTest({ model, conditions }: Suite, test: Test): Verdict {
  const events: Event[] = [];
  const refused: Refused[] = [];
  let broken: string | null = null;
  const heard = (event: Event): void => {
    const index = conditions.get(event.condition.key)?.index;
    if (index !== undefined && test.rules.has(index)) events.push(event);
  };
  try {
    // The whole of it runs, since rules may listen to others that the test is not about.
    const rehearsal = rehearse(model, (at) => at, heard);
    play(rehearsal, test, refused);
  } catch (error) {
    broken = error instanceof Error ? error.message : String(error);
  }
  const compared = compare(test.expected, events, conditions);
  const passed = broken === null && compared.every(({ is }) => is === "came");
  return { test, passed, compared, refused, broken };
}

/** At one instant: deeds, then samples in the order of the series; timers as the rehearsal has them. */
function play(rehearsal: Rehearsal, { series, deeds, intervalMs, endMs }: Test, refused: Refused[]): void {
  const said = series.map(({ point, entries }) => ({ point, entries: [...entriesOf(entries)] }));
  const longest = Math.max(0, ...said.map(({ entries }) => entries.length));
  const entered = Array.from({ length: longest }, (_, i) => i * intervalMs);
  const times = [...new Set([...entered, ...deeds.map(({ at }) => at)])].sort((a, b) => a - b);
  for (const at of times) {
    rehearsal.advance(at);
    for (const deed of deeds.filter((one) => one.at === at)) act(rehearsal, deed, refused);
    for (const { point, entries } of said) {
      const entry = entries[at / intervalMs] ?? null;
      if (entry === null) continue;
      const seen = entry === "bad" ? { fault: "device_error" as const } : { raw: entry };
      rehearsal.sample(assess(point, seen, { at, wall: at }));
    }
    rehearsal.settle(at);
  }
  rehearsal.settle(endMs);
}

/** Refused is what none of the conditions obeyed. */
function act(rehearsal: Rehearsal, deed: Deed, refused: Refused[]): void {
  if (deed.command === null) {
    rehearsal.replaced(deed.replaced, deed.at);
    return;
  }
  const { command, rule, keys, at } = deed;
  const answers = keys.map((key) => rehearsal.command(key, command, at));
  const why = answers.every((answer) => answer !== null) ? answers[0]?.detail : undefined;
  if (why !== undefined) refused.push({ at, command: command.name, rule, why });
}
