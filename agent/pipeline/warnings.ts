import type { Site } from "../config/resolved.ts";
import type { Cycle } from "../core/engine.ts";
import { earliest, type Mono } from "../core/sample.ts";
import { type Addition, conditionOf, remark } from "./addition.ts";
import { warnMs } from "./modes.ts";

/** A silence that ends by itself; that of a mode is told by the mode. */
export interface SilenceEnd {
  readonly key: string;
  readonly until: Mono;
}

/** Those that are still to be told of: not of one that is so short that it would be told at once. */
export function silenceEnds(site: Site, judged: Cycle, known: readonly SilenceEnd[], now: Mono): SilenceEnd[] {
  const before = new Set(known.map(nameOf));
  return allEnds(site, judged).filter((one) => one.until - warnMs > now || before.has(nameOf(one)));
}

const nameOf = ({ key, until }: SilenceEnd): string => `${key} ${until}`;

function allEnds(site: Site, judged: Cycle): SilenceEnd[] {
  return site.model.rules.flatMap(({ conditions }, index) =>
    conditions.flatMap(({ key }, place): SilenceEnd[] => {
      const { shelf = null, maintenance = null } = judged.rule(index).conditions[place] ?? {};
      return [shelf, maintenance].flatMap((one) =>
        one === null || one.until === null || one.mode !== undefined ? [] : [{ key, until: one.until }],
      );
    }),
  );
}

/** Tells of what is active that it will call again soon. Once each, also where it was not active then. */
export function warn(adding: Addition, ends: readonly SilenceEnd[], warned: Set<string>): void {
  const { at } = adding.now;
  for (const one of ends) {
    const { key, until } = one;
    if (until - warnMs > at || until <= at || warned.has(nameOf(one))) continue;
    warned.add(nameOf(one));
    if (conditionOf(adding, key)?.open?.active) remark(adding, key, "silence_ends");
  }
}

export const warningsWakeAt = (ends: readonly SilenceEnd[], now: Mono): Mono | null =>
  earliest(ends.map(({ until }) => until - warnMs).filter((at) => at > now));
