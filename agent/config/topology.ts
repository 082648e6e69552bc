import type { Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";

/** How devices depend on each other. */
export interface Topology {
  /** The devices through which one is reached, nearest first. */
  above(device: string): readonly string[];
  /** The devices that are reached through one. */
  below(device: string): readonly string[];
}

type Edges = Readonly<Record<string, readonly string[]>>;

/** From `communicates`: a device to those that are reached through it. What is wrong in it is left out, and told. */
export function topologyOf(
  communicates: Edges,
  devices: ReadonlySet<string>,
  place: Place,
  problems: Problem[],
): Topology {
  const parents = new Map<string, string>();
  const above = (device: string): string[] => {
    const found: string[] = [];
    // Ends, since no circle is let in.
    for (let next = parents.get(device); next !== undefined; next = parents.get(next)) found.push(next);
    return found;
  };
  for (const [parent, children] of Object.entries(communicates)) {
    if (!devices.has(parent)) problems.push(place.problem([parent], noDevice(parent, devices)));
    for (const [i, child] of children.entries()) {
      const wrong = !devices.has(child)
        ? noDevice(child, devices)
        : child === parent || above(parent).includes(child)
          ? `${child} would be reached through itself; expected no circle`
          : parents.has(child)
            ? `${child} is reached through ${parents.get(child)} already; expected one way to it`
            : null;
      if (wrong === null) parents.set(child, parent);
      else problems.push(place.problem([parent, i], wrong));
    }
  }
  return { above, below: (device) => [...devices].filter((one) => above(one).includes(device)) };
}

const noDevice = (name: string, known: ReadonlySet<string>): string =>
  `no device "${name}"; expected one of those under devices.${didYouMean(name, known)}`;
