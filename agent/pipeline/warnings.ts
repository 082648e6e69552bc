import type { Site } from "../config/resolved.ts";
import type { Cycle } from "../core/engine.ts";
import { earliest, type Mono } from "../core/sample.ts";
import { warnMs } from "./modes.ts";
import { conditionOf, remark, type Turn } from "./turn.ts";

/** A silence that ends by itself; that of a mode is told by the mode. */
export interface SilenceEnd {
  readonly key: string;
  readonly until: Mono;
}

export function silenceEnds(site: Site, judged: Cycle): SilenceEnd[] {
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
export function warn(turn: Turn, ends: readonly SilenceEnd[], warned: Set<string>): void {
  const { at } = turn.now;
  for (const { key, until } of ends) {
    if (until - warnMs > at || until <= at || warned.has(`${key} ${until}`)) continue;
    warned.add(`${key} ${until}`);
    if (conditionOf(turn, key)?.open?.active) remark(turn, key, "silence_ends");
  }
}

export const warningsWakeAt = (ends: readonly SilenceEnd[], now: Mono): Mono | null =>
  earliest(ends.map(({ until }) => until - warnMs).filter((at) => at > now));
