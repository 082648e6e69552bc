import { rulePoint } from "../core/rule.ts";
import { commPoint, identityPoint, type PointId } from "../core/sample.ts";
import type { Group } from "./grouping.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Reference, Ruled } from "./rules.ts";

export const pointsOf = (devices: readonly Ruled[]): ReadonlySet<PointId> =>
  new Set(
    devices.flatMap(({ device }) => [
      commPoint(device.id),
      ...(device.identity === undefined ? [] : [identityPoint(device.id)]),
      ...device.points.map(({ id }) => id),
    ]),
  );

export const rulePointsOf = (
  devices: readonly Ruled[],
  groups: readonly Pick<Group, "id" | "rule">[],
): ReadonlySet<PointId> =>
  new Set([
    ...devices.flatMap(({ device, written }) => written.map(({ id }) => rulePoint(`${device.id}/${id}`))),
    ...groups.map(({ id, rule }) => rulePoint(`${id}/${rule}`)),
  ]);

/** What rules refer to: points that must be there, and other rules, which must not refer back to them. */
export function wrongReferences(
  references: readonly Reference[],
  points: ReadonlySet<PointId>,
  rules: ReadonlySet<PointId>,
): Problem[] {
  return [...unknown(references, points, rules), ...circles(references)];
}

function unknown(
  references: readonly Reference[],
  points: ReadonlySet<PointId>,
  rules: ReadonlySet<PointId>,
): Problem[] {
  return references
    .filter(({ to }) => !points.has(to) && !rules.has(to))
    .map(({ to, place }) => {
      const isRule = to.startsWith("@");
      const known = isRule ? rules : points;
      const kind = isRule ? "rule" : "point";
      const hint = didYouMean(to, known).replace("@", "");
      const name = isRule ? to.slice(1) : to;
      const what = `no ${kind} "${name}"; expected a ${kind} of its own device, or DEVICE/${kind.toUpperCase()}.${hint}`;
      return place.problem([], what);
    });
}

/** Rules that would tell one another for ever; each circle is told once, at the rule where it was found. */
function circles(references: readonly Reference[]): Problem[] {
  const listens = new Map<string, Reference[]>();
  for (const one of references) {
    if (one.to.startsWith("@")) listens.set(one.rule, [...(listens.get(one.rule) ?? []), one]);
  }
  const problems: Problem[] = [];
  const done = new Set<string>();
  const visit = (rule: string, path: readonly string[]): void => {
    for (const { to, place } of listens.get(rule) ?? []) {
      const next = to.slice(1);
      const from = path.indexOf(next);
      if (from >= 0) {
        const circle = [...path.slice(from), next].join(" → ");
        problems.push(
          place.problem([], `rules refer to each other in a circle: ${circle}; expected one of them not to`),
        );
      } else if (!done.has(next)) visit(next, [...path, next]);
    }
    done.add(rule);
  };
  for (const rule of listens.keys()) if (!done.has(rule)) visit(rule, [rule]);
  return problems;
}
