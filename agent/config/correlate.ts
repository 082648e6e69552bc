import type { CauseRef } from "../core/incident.ts";
import type { Wording } from "../core/language.ts";
import { consequences, leadMs, type Meaning } from "../core/meaning.ts";
import { always } from "../core/model.ts";
import { byKey, type Group, roomOf, type Told } from "./grouping.ts";
import { coolingRedundancy, powerRedundancy, sharedDuties } from "./redundancy.ts";
import type { Bus, Device, Shared } from "./resolved.ts";
import type { Ruled } from "./rules.ts";
import { type Fact, meaningOf } from "./same.ts";
import type { Topology } from "./topology.ts";

/**
 * From the site's topology to what the engine knows: which rules may be the cause of which, and which alarms of many
 * devices are one incident. The table of consequences is core/meaning.ts.
 */
export interface Web {
  /** What may cause a rule, by its name. */
  causesOf(rule: string): readonly CauseRef[];
  /** With which units one shares its duty, by the name of the rule that tells of its loss; null: with none. */
  sharedBy(rule: string): Shared | null;
  readonly groups: readonly Group[];
}

/** What to say of many at once; `what` follows their number. */
const words: Readonly<Partial<Record<Meaning, Group["say"]>>> = {
  hot: {
    what: { en: "racks hot", de: "Racks heiß" },
    cause: { en: "cooling lost", de: "Kühlung ausgefallen" },
    action: { en: "Check the zone's CRACs", de: "Klimageräte der Zone prüfen" },
    consequence: {
      en: "servers throttle, then shut down",
      de: "Server drosseln, dann schalten sie ab",
    },
  },
  "on-battery": {
    what: { en: "UPSs on battery", de: "USV auf Batterie" },
    cause: { en: "utility lost", de: "Netz ausgefallen" },
    action: { en: "Check the generator and the time left", de: "Generator und Restzeit prüfen" },
    consequence: {
      en: "the load drops when the batteries are empty",
      de: "die Last fällt aus, wenn die Batterien leer sind",
    },
  },
  unreachable: {
    what: { en: "devices do not answer", de: "ohne Antwort" },
    cause: { en: "switch, gateway or cable", de: "Switch, Gateway oder Kabel" },
    action: { en: "Check what they share, not each of them", de: "Prüfen, was sie teilen, nicht jedes Gerät" },
    consequence: { en: "nothing is seen of them", de: "von ihnen ist nichts zu sehen" },
  },
};

/** Fewer are not many: each is told by itself. */
const crowd: Readonly<Partial<Record<Meaning, number>>> = { hot: 3, "on-battery": 3, unreachable: 5 };

export function webOf(
  devices: readonly Ruled[],
  topology: Topology,
  segmentOf: (device: Device) => string | null,
  facts: readonly Fact[],
): Web {
  // What several tell is one thing that happens, where the rule is that names the others.
  const witnesses = new Set(facts.flatMap((one) => one.witnesses.map(({ rule }) => rule)));
  const told = [
    ...devices.flatMap(meaningsOf).filter(({ rule }) => !witnesses.has(rule)),
    ...facts.flatMap(({ id, rule, device, means }) => (means ? [{ rule: `${id}/${rule}`, device, means }] : [])),
  ];
  const groups = [
    ...zoneGroups(told),
    ...powerGroups(told, topology),
    ...segmentGroups(told, topology, segmentOf),
    ...coolingRedundancy(told, topology),
    ...powerRedundancy(told, topology),
  ];
  const causes = new Map<string, CauseRef[]>();
  const add = (rule: string, ref: CauseRef): void => {
    causes.set(rule, [...(causes.get(rule) ?? []), ref]);
  };
  const byDevice = byKey(told, ({ device }) => device.id);
  for (const one of told) for (const ref of upstream(one, byDevice, topology)) add(one.rule, ref);
  for (const { id, rule, covers, members } of groups) {
    const name = `${id}/${rule}`;
    if (covers)
      for (const member of members)
        add(member, { rule: name, lagMs: always, leadMs: always, lingerMs: 0, covers: true });
    const ofMembers = new Map(members.flatMap((member) => (causes.get(member) ?? []).map((ref) => [ref.rule, ref])));
    for (const ref of ofMembers.values()) if (!ref.covers) add(name, ref);
  }
  const shared = new Map(sharedDuties(told, topology));
  return { causesOf: (rule) => causes.get(rule) ?? [], sharedBy: (rule) => shared.get(rule) ?? null, groups };
}

function meaningsOf({ device, written }: Ruled): Told[] {
  return written.flatMap((one) => {
    const means = meaningOf(one);
    return means === undefined ? [] : [{ rule: `${device.id}/${one.id}`, device, means }];
  });
}

/** The rules upstream of one that mean what it may follow from. */
function upstream(
  { rule, device, means }: Told,
  told: ReadonlyMap<string, readonly Told[]>,
  topology: Topology,
): CauseRef[] {
  return consequences
    .filter(({ are }) => are.includes(means))
    .flatMap(({ of, along, lagMs }) => {
      const sources =
        along === "feeds"
          ? topology.feedersOf(device.id)
          : along === "cools"
            ? topology.coolersOf(device.location.zone ?? "")
            : [];
      return sources
        .flatMap((source) => told.get(source) ?? [])
        .filter((one) => of.includes(one.means) && one.rule !== rule)
        .map((one) => ({ rule: one.rule, lagMs, leadMs, lingerMs: leadMs, covers: false }));
    });
}

const devicesOf = (told: readonly Told[]): number => new Set(told.map(({ device }) => device.id)).size;

/** Heat in a zone. */
function zoneGroups(told: readonly Told[]): Group[] {
  const hot = told.filter(({ means }) => means === "hot");
  return [...byKey(hot, ({ device }) => device.location.zone ?? null)].flatMap(([zone, members]) =>
    group(`zone-${zone}`, `Zone ${zone}`, "hot", members, roomOf(members)),
  );
}

/** UPSs that one source feeds. */
function powerGroups(told: readonly Told[], { feeds }: Topology): Group[] {
  return [...feeds].flatMap(([source, fed]) => {
    const members = told.filter(({ device, means }) => means === "on-battery" && fed.includes(device.id));
    return group(
      `fed-by-${source}`,
      { en: `Fed by ${source}`, de: `Versorgt von ${source}` },
      "on-battery",
      members,
      roomOf(members),
    );
  });
}

/** Devices that share a line or a subnet, and are reached through no device that would tell of itself. */
function segmentGroups(
  told: readonly Told[],
  topology: Topology,
  segmentOf: (device: Device) => string | null,
): Group[] {
  const alone = told.filter(({ device, means }) => means === "unreachable" && topology.above(device.id).length === 0);
  return [...byKey(alone, ({ device }) => segmentOf(device))].flatMap(([segment, members]) =>
    group(`segment-${segment.replaceAll(/[^A-Za-z0-9_-]/g, "-")}`, `Segment ${segment}`, "unreachable", members, {}),
  );
}

function group(
  id: string,
  name: Wording,
  means: Meaning,
  members: readonly Told[],
  location: Device["location"],
): Group[] {
  const count = crowd[means] ?? Number.POSITIVE_INFINITY;
  if (devicesOf(members) < count) return [];
  const rules = members.map(({ rule }) => rule);
  const options = { members: rules, count };
  const say = words[means] ?? {};
  return [{ id, rule: means, name, location, means, type: "group", options, say, covers: true, members: rules }];
}

/** A line that many share, else the subnet of what has a connection of its own. */
export function segments(
  devices: readonly Ruled[],
  buses: ReadonlyMap<string, Bus>,
): (device: Device) => string | null {
  const sharers = byKey(devices, ({ device }) => device.bus);
  return ({ bus }) => {
    if ((sharers.get(bus)?.length ?? 0) > 1) return bus;
    const { host } = Object(buses.get(bus)?.options) as { host?: unknown };
    const [, subnet] = /^(\d+\.\d+\.\d+)\.\d+$/.exec(String(host)) ?? [];
    return subnet ?? null;
  };
}
