import type { CauseRef } from "../core/incident.ts";
import type { Wording } from "../core/language.ts";
import { consequences, leadMs, type Meaning } from "../core/meaning.ts";
import { always } from "../core/model.ts";
import type { Bus, Device, Shared } from "./resolved.ts";
import type { Written } from "./rules.ts";
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

/** Rules that are raised of several others: the site's own, on no device. */
export interface Group {
  /** In the place of a device's id; with the rule's it names it for ever. */
  readonly id: string;
  readonly rule: string;
  readonly name: Wording;
  readonly location: Device["location"];
  readonly means: Meaning;
  readonly type: "group" | "vote";
  readonly options: Readonly<Record<string, unknown>>;
  readonly say: Readonly<Record<string, Wording>>;
  /** Whether it tells what its members tell, so that nobody need be called for those. */
  readonly covers: boolean;
  readonly members: readonly string[];
}

/** A device with its rules as they are written. */
interface Ruled {
  readonly device: Device;
  readonly written: readonly Written[];
}

interface Told {
  readonly rule: string;
  readonly device: Device;
  readonly means: Meaning;
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
    ...redundancy(told, topology),
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
  const shared = new Map(told.flatMap((one) => sharedIn(one, topology)));
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

/** The first zone that a unit cools with others. */
function sharedIn({ rule, device, means }: Told, { coolersOf, needOf }: Topology): [string, Shared][] {
  if (means !== "cooling-lost" || device.location.zone === undefined) return [];
  const { zone } = device.location;
  const units = coolersOf(zone);
  return units.length < 2 || !units.includes(device.id)
    ? []
    : [[rule, { of: `cooling of zone ${zone}`, unit: device.id, units, need: needOf(zone) }]];
}

/** Those without a key are left out. */
function byKey<T>(all: readonly T[], keyOf: (one: T) => string | null): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    if (key === null) continue;
    const known = found.get(key);
    if (known === undefined) found.set(key, [one]);
    else known.push(one);
  }
  return found;
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

/** What is left of a zone's cooling, where the site says what it needs: none to spare, then too little. */
function redundancy(told: readonly Told[], { coolersOf, needOf }: Topology): Group[] {
  const zones = new Set(told.flatMap(({ device }) => device.location.zone ?? []));
  return [...zones].flatMap((zone): Group[] => {
    const units = coolersOf(zone);
    const need = needOf(zone);
    if (need === undefined || units.length <= need) return [];
    const lost = told.filter(({ device, means }) => means === "cooling-lost" && units.includes(device.id));
    const stopped = [...byKey(lost, ({ device }) => device.id).values()].flatMap(([first]) => first ?? []);
    const members = stopped.map(({ rule }) => rule);
    const base = { id: `zone-${zone}`, name: `Zone ${zone}`, location: roomOf(stopped), members, covers: false };
    const vote = (rule: string, what: Wording, k: number, severity: string): Group => ({
      ...base,
      rule,
      means: "redundancy-lost",
      type: "vote",
      say: {
        what,
        action: {
          en: "Bring the stopped unit back before another one fails",
          de: "Gestopptes Gerät wieder in Gang bringen",
        },
        consequence: { en: "the zone heats up", de: "die Zone heizt sich auf" },
      },
      // Once its power is back a unit starts within a minute, and is believed to run a minute later.
      options: { k, severity, inputs: members.map((one) => ({ rule: one })), onDelay: "120s" },
    });
    const spare = units.length - need;
    if (members.length <= spare) return [];
    return [
      vote("redundancy-lost", { en: "no cooling unit to spare", de: "keine Kühlreserve" }, spare, "high"),
      vote("cooling-short", { en: "too little cooling", de: "zu wenig Kühlung" }, spare + 1, "critical"),
    ];
  });
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

/** What all of them have in common. */
function roomOf(members: readonly Told[]): Device["location"] {
  const [first] = members.map(({ device }) => device.location);
  const shared = (["building", "room", "zone"] as const).filter((part) =>
    members.every(({ device }) => device.location[part] === first?.[part]),
  );
  return Object.fromEntries(shared.flatMap((part) => (first?.[part] === undefined ? [] : [[part, first[part]]])));
}
