import type { Expected, NamedCondition } from "../config/suite.ts";
import type { Event } from "../core/engine.ts";

/** An event that was expected but did not come, one that came as expected, or one that nobody expected. */
export type Compared =
  | { readonly is: "missing"; readonly expected: Expected }
  | { readonly is: "came" | "extra"; readonly came: Event };

/**
 * Pairs what was expected with what came. Events of one condition at one instant have an order; those of several have
 * none that matters, and are told in the order of the rules.
 */
export function compare(
  expected: readonly Expected[],
  came: readonly Event[],
  conditions: ReadonlyMap<string, NamedCondition>,
): Compared[] {
  const groups = new Map<string, Group>();
  const groupOf = (at: number, key: string): Group => {
    const { rule = "", index: place = 0 } = conditions.get(key) ?? {};
    const group = groups.get(`${at} ${rule}`) ?? { at, place, expected: [], came: [] };
    groups.set(`${at} ${rule}`, group);
    return group;
  };
  const placeOf = (key: string): number => conditions.get(key)?.index ?? 0;
  const wanted = expected.map((one) => ({ one, key: [...one.keys][0] ?? "" }));
  const told = came.map((one) => ({ one, key: one.condition.key }));
  for (const { one, key } of wanted.sort((a, b) => placeOf(a.key) - placeOf(b.key)))
    groupOf(one.at, key).expected.push(one);
  for (const { one, key } of told.sort((a, b) => placeOf(a.key) - placeOf(b.key)))
    groupOf(one.now.at, key).came.push(one);
  return [...groups.values()].sort((a, b) => a.at - b.at || a.place - b.place).flatMap(pair);
}

/** What is of one rule at one instant. */
interface Group {
  readonly at: number;
  readonly place: number;
  readonly expected: Expected[];
  readonly came: Event[];
}

/** Each expected one takes the first that fits of those that are left; what it steps over is extra. */
function pair({ expected, came }: Group): Compared[] {
  const pairs: Compared[] = [];
  let next = 0;
  for (const one of expected) {
    const found = came.findIndex((event, i) => i >= next && fits(one, event));
    if (found < 0) {
      pairs.push({ is: "missing", expected: one });
      continue;
    }
    pairs.push(...came.slice(next, found).map((event): Compared => ({ is: "extra", came: event })));
    pairs.push({ is: "came", came: came[found] as Event });
    next = found + 1;
  }
  return [...pairs, ...came.slice(next).map((event): Compared => ({ is: "extra", came: event }))];
}

const fits = ({ kind, keys, severity, reason, annunciate }: Expected, event: Event): boolean =>
  event.kind === kind &&
  keys.has(event.condition.key) &&
  (severity === null || event.level.severity === severity) &&
  (reason === null || event.reason === reason) &&
  event.annunciate === annunciate;
