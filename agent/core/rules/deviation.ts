import * as z from "zod";
import { duration } from "../duration.ts";
import { phrase, written } from "../language.ts";
import { rounded } from "../round.ts";
import {
  bySide,
  defineRule,
  exactly,
  fullName,
  levels,
  type Measure,
  type Scope,
  type Seen,
  unknown,
} from "../rule.ts";
import type { PointId } from "../sample.ts";
import { median } from "../slope.ts";
import { goodValue, type Pair } from "../window.ts";

interface Config {
  readonly levels: z.output<typeof levels>;
  readonly ref: { readonly point: string } | { readonly constant: number } | Peers;
  readonly blank: number;
  readonly staleAfter?: number;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly pollMs: number;
}

interface Peers {
  readonly peers: readonly string[];
  readonly min: number;
}

interface Memory {
  /** The newest good sample of each input, by the input's name; none while its last one was not good. */
  readonly last: Readonly<Record<string, Pair>>;
  /** The newest good set-point, also while its last sample was not good. */
  readonly setPoint: number | null;
  /** After a change of the set-point nothing is judged before this. */
  readonly blankUntil: number | null;
}

const nothing: readonly Measure[] = [unknown()];
const setPoint = "ref";

export const deviation = defineRule<Config, Memory>({
  type: "deviation",
  describe: "How far the value is from where it should be: a set-point, a constant, or the median of its peers.",
  options: {
    levels: levels.describe("Signed limits: high for above, low (negative) for below."),
    ref: z
      .union([
        z.strictObject({ point: z.string().describe("The point that holds the set-point.") }),
        z.strictObject({ constant: z.number() }),
        z.strictObject({
          peers: z.array(z.string()).min(1).describe("Points that measure the same elsewhere."),
          min: z.int().min(1).default(2).describe("Fewer fresh good peers: unknown."),
        }),
      ])
      .describe("Where the value should be."),
    blank: duration
      .optional()
      .transform((ms) => ms ?? 0)
      .describe("Not judged for so long after the set-point changed."),
    staleAfter: duration.optional().describe("An older reference is unknown. Default: 3 × interval."),
  },
  inputs: ({ ref }, scope) => ({
    value: scope.point,
    ...("point" in ref ? { [setPoint]: fullName(scope, ref.point) } : {}),
    ...("peers" in ref ? Object.fromEntries(peersOf(ref, scope)) : {}),
  }),
  conditions: (config) => bySide(config.levels, config),
  empty: { last: {}, setPoint: null, blankUntil: null },
  measure(config, before, seen) {
    const memory = observe(before, seen, config);
    const value = fresh(memory.last.value, seen.at, config);
    const ref = refOf(config, memory, seen.at);
    if (value === null || ref === null || blankMs(memory, seen.at) > 0)
      return { memory, measures: nothing, wakeAt: null };
    return { memory, measures: [exactly(rounded(value - ref))], wakeAt: null };
  },
  facts(config, memory, at) {
    const reference = refOf(config, memory, at);
    const blankLeftS = blankMs(memory, at) / 1000;
    return {
      missing: blankLeftS > 0 ? "blanked" : reference === null ? "reference-unknown" : null,
      reference,
      blankLeftS,
    };
  },
  say(_config, { value, measure, limit, language }) {
    const by = measure === null ? "" : written(Number(measure.toFixed(1)), language);
    const said = phrase(language, "off", { value, by });
    return phrase(language, "limit", { said, limit: written(limit, language) });
  },
});

/** The inputs of the peers. The point itself is none, also where a list names all that are alike. */
const peersOf = ({ peers }: Peers, scope: Scope): [name: string, point: PointId][] =>
  peers
    .map((peer, i): [string, PointId] => [`peer${i}`, fullName(scope, peer)])
    .filter(([, point]) => point !== scope.point);

function observe(before: Memory, { input, sample, at }: Seen, { blank }: Config): Memory {
  const value = goodValue(sample);
  const { [input]: _, ...others } = before.last;
  if (value === null) return { ...before, last: others };
  const last = { ...others, [input]: { at, value } };
  if (input !== setPoint) return { ...before, last };
  const moved = before.setPoint !== null && before.setPoint !== value;
  return { last, setPoint: value, blankUntil: moved ? at + blank : before.blankUntil };
}

/** How long it is still not judged because the set-point changed. */
const blankMs = ({ blankUntil }: Memory, at: number): number => Math.max(0, (blankUntil ?? at) - at);

function refOf(config: Config, { last }: Memory, at: number): number | null {
  const { ref } = config;
  if ("constant" in ref) return ref.constant;
  if ("point" in ref) return fresh(last[setPoint], at, config);
  const peers = ref.peers.map((_, i) => fresh(last[`peer${i}`], at, config)).filter((value) => value !== null);
  return peers.length < ref.min ? null : median(peers);
}

const fresh = (pair: Pair | undefined, at: number, { staleAfter, pollMs }: Config): number | null =>
  pair !== undefined && at - pair.at <= (staleAfter ?? 3 * pollMs) ? pair.value : null;
