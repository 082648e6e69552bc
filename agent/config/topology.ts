import * as z from "zod";
import { inside, type Place } from "./document.ts";
import { id } from "./id.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Device } from "./resolved.ts";

const edges = z.record(id, z.array(id)).default({});

export const topologySchema = z
  .strictObject({
    communicates: edges.describe(
      "A device (switch, gateway) to those that are reached through it: its silence explains theirs.",
    ),
    feeds: edges.describe(
      "What gives power (a device, or a name such as utility) to the devices it feeds: its loss explains theirs. A device with several feeds loses its power when all of them do.",
    ),
    cools: edges.describe(
      "A cooling unit to the zones it cools: its failure explains their heat. Default: the zone where it stands.",
    ),
    needs: z
      .record(id, z.int().min(1))
      .default({})
      .describe("How many cooling units a zone needs: fewer to spare is redundancy lost, fewer than that is critical."),
  })
  .default({ communicates: {}, feeds: {}, cools: {}, needs: {} })
  .describe("How devices depend on each other.");
export type TopologyConfig = z.output<typeof topologySchema>;

/** How devices depend on each other. */
export interface Topology {
  /** The devices through which one is reached, nearest first. */
  above(device: string): readonly string[];
  /** The devices that are reached through one. */
  below(device: string): readonly string[];
  /** What every way of power to a device leads through, devices and names such as utility. */
  feedersOf(device: string): readonly string[];
  /** What feeds devices, with those that it feeds directly. */
  readonly feeds: ReadonlyMap<string, readonly string[]>;
  coolersOf(zone: string): readonly string[];
  /** How many units a zone needs; undefined: nobody said. */
  needOf(zone: string): number | undefined;
}

type Edges = Readonly<Record<string, readonly string[]>>;
type Named = Pick<Device, "id" | "class" | "location">;

/** What is wrong in it is left out, and told. */
export function topologyOf(
  written: TopologyConfig,
  devices: readonly Named[],
  ids: ReadonlySet<string>,
  place: Place,
  problems: Problem[],
): Topology {
  const parents = treeOf(written.communicates, ids, inside(place, ["communicates"]), problems);
  const above = (device: string): string[] => walk(device, parents);
  const feeds = feedsOf(written.feeds, ids, inside(place, ["feeds"]), problems);
  const zones = new Set(devices.flatMap(({ location }) => location.zone ?? []));
  const coolers = coolersIn(written, devices, ids, zones, place, problems);
  return {
    above,
    below: (device) => [...ids].filter((one) => above(one).includes(device)),
    feedersOf: (device) => feedersOf(device, feeds, new Set()),
    feeds,
    coolersOf: (zone) => coolers.get(zone) ?? [],
    needOf: (zone) => (Object.hasOwn(written.needs, zone) ? written.needs[zone] : undefined),
  };
}

/** Child to parent. A circle is let in nowhere, so that a walk up ends. */
function treeOf(given: Edges, ids: ReadonlySet<string>, place: Place, problems: Problem[]): Map<string, string> {
  const parents = new Map<string, string>();
  for (const [parent, children] of Object.entries(given)) {
    if (!ids.has(parent)) problems.push(place.problem([parent], noDevice(parent, ids)));
    for (const [i, child] of children.entries()) {
      const wrong = !ids.has(child)
        ? noDevice(child, ids)
        : child === parent || walk(parent, parents).includes(child)
          ? `${child} would be reached through itself; expected no circle`
          : parents.has(child)
            ? `${child} is reached through ${parents.get(child)} already; expected one way to it`
            : null;
      if (wrong === null) parents.set(child, parent);
      else problems.push(place.problem([parent, i], wrong));
    }
  }
  return parents;
}

function walk(from: string, parents: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (let next = parents.get(from); next !== undefined; next = parents.get(next)) found.push(next);
  return found;
}

function feedsOf(given: Edges, ids: ReadonlySet<string>, place: Place, problems: Problem[]): Map<string, string[]> {
  const feeds = new Map<string, string[]>();
  const reaches = (from: string, to: string): boolean =>
    from === to || (feeds.get(from) ?? []).some((next) => reaches(next, to));
  for (const [source, fed] of Object.entries(given)) {
    for (const [i, one] of fed.entries()) {
      const wrong = !ids.has(one)
        ? noDevice(one, ids)
        : reaches(one, source)
          ? `${one} would be fed by itself; expected no circle`
          : null;
      if (wrong === null) feeds.set(source, [...(feeds.get(source) ?? []), one]);
      else problems.push(place.problem([source, i], wrong));
    }
  }
  return feeds;
}

/** Of one with several feeds only what all of them lead through: while another is left, none explains anything. */
function feedersOf(device: string, feeds: Topology["feeds"], seen: ReadonlySet<string>): readonly string[] {
  if (seen.has(device)) return [];
  const direct = [...feeds].filter(([, fed]) => fed.includes(device)).map(([source]) => source);
  const ways = direct.map((one) => [one, ...feedersOf(one, feeds, new Set([...seen, device]))]);
  const [first = [], ...others] = ways;
  return first.filter((one) => others.every((way) => way.includes(one)));
}

function coolersIn(
  { cools, needs }: TopologyConfig,
  devices: readonly Named[],
  ids: ReadonlySet<string>,
  zones: ReadonlySet<string>,
  place: Place,
  problems: Problem[],
): Map<string, string[]> {
  const noZone = (zone: string): string =>
    `no zone "${zone}"; expected one of the devices' locations.${didYouMean(zone, zones)}`;
  for (const [unit, cooled] of Object.entries(cools)) {
    if (!ids.has(unit)) problems.push(place.problem(["cools", unit], noDevice(unit, ids)));
    for (const [i, zone] of cooled.entries()) {
      if (!zones.has(zone)) problems.push(place.problem(["cools", unit, i], noZone(zone)));
    }
  }
  for (const zone of Object.keys(needs)) {
    if (!zones.has(zone)) problems.push(place.problem(["needs", zone], noZone(zone)));
  }
  const coolers = new Map<string, string[]>();
  for (const { id: unit, class: kind, location } of devices) {
    const own = kind === "crac" && location.zone !== undefined ? [location.zone] : [];
    for (const zone of cools[unit] ?? own) coolers.set(zone, [...(coolers.get(zone) ?? []), unit]);
  }
  return coolers;
}

const noDevice = (name: string, known: ReadonlySet<string>): string =>
  `no device "${name}"; expected one of those under devices.${didYouMean(name, known)}`;
