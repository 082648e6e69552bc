import { createHash } from "node:crypto";
import type { Wording } from "../core/language.ts";
import { byKey, type Group, roomOf, type Told } from "./grouping.ts";
import type { Shared } from "./resolved.ts";
import type { Topology } from "./topology.ts";

/** What is left where several units share a duty: the next failure may be the last one. */

/** What is left of a zone's cooling, where the site says what it needs: none to spare, then too little. */
export function coolingRedundancy(told: readonly Told[], { coolersOf, needOf }: Topology): Group[] {
  const zones = new Set(told.flatMap(({ device }) => device.location.zone ?? []));
  return [...zones].flatMap((zone): Group[] => {
    const units = coolersOf(zone);
    const need = needOf(zone);
    if (need === undefined || units.length <= need) return [];
    const lost = told.filter(({ device, means }) => means === "cooling-lost" && units.includes(device.id));
    const members = lost.map(({ rule }) => rule);
    const base = { id: `zone-${zone}`, name: `Zone ${zone}`, location: roomOf(lost), members, covers: false };
    const left = (rule: string, what: Wording, many: number, severity: string): Group => ({
      ...base,
      rule,
      means: "redundancy-lost",
      type: "redundancy",
      say: {
        what,
        action: {
          en: "Bring the stopped unit back before another one fails",
          de: "Gestopptes Gerät wieder in Gang bringen",
        },
        consequence: { en: "the zone heats up", de: "die Zone heizt sich auf" },
      },
      // Once its power is back a unit starts within a minute, and is believed to run a minute later.
      options: { lost: many, severity, members, onDelay: "120s" },
    });
    const spare = units.length - need;
    if (new Set(lost.map(({ device }) => device.id)).size <= spare) return [];
    return [
      left("redundancy-lost", { en: "no cooling unit to spare", de: "keine Kühlreserve" }, spare, "high"),
      left("cooling-short", { en: "too little cooling", de: "zu wenig Kühlung" }, spare + 1, "critical"),
    ];
  });
}

/** Devices that the same sources feed, by those sources, where there are several. */
function feedsTogether({
  feeds,
}: Topology): { readonly sources: readonly string[]; readonly fed: readonly string[] }[] {
  const fed = [...new Set([...feeds.values()].flat())];
  const sourcesOf = (device: string): string[] =>
    [...feeds].flatMap(([source, to]) => (to.includes(device) ? [source] : [])).sort();
  return [...byKey(fed, (device) => sourcesOf(device).join(" "))].flatMap(([names, devices]) => {
    const sources = names.split(" ");
    return sources.length < 2 ? [] : [{ sources, fed: devices }];
  });
}

/** Devices with several feeds of which one is left. */
export function powerRedundancy(told: readonly Told[], topology: Topology): Group[] {
  const together = feedsTogether(topology);
  return together.flatMap(({ sources, fed }): Group[] => {
    const lost = told.filter((one) => sources.includes(one.device.id) && tellsOfPower(one));
    const known = new Map(lost.map(({ device }) => [device.id, device.name]));
    const spare = sources.length - 1;
    if (known.size < spare) return [];
    const members = lost.map(({ rule }) => rule);
    const names = [...known.values()].join(" + ");
    return [
      {
        id: idOf(sources, together),
        rule: "redundancy-lost",
        name: { en: `Power by ${names}`, de: `Strom von ${names}` },
        location: roomOf(lost),
        means: "redundancy-lost",
        type: "redundancy",
        // A source that is switched over is back within that time.
        options: { lost: spare, severity: "high", members, onDelay: "120s" },
        say: {
          what: { en: "one feed left", de: "nur eine Einspeisung übrig" },
          action: {
            en: "Bring the lost feed back before the other one fails",
            de: "Verlorene Einspeisung zurückholen",
          },
          consequence: { en: `${fed.length} devices lose power`, de: `${fed.length} Geräte ohne Strom` },
        },
        covers: false,
        members,
      },
    ];
  });
}

const idMax = 64;

/** It names the incident for ever: what two sets would share, or is too long, ends in what tells them apart. */
function idOf(sources: readonly string[], all: ReturnType<typeof feedsTogether>): string {
  const plain = (some: readonly string[]): string => `fed-by-${some.join("-")}`;
  const id = plain(sources);
  const isShared = all.some((other) => other.sources !== sources && plain(other.sources) === id);
  if (!isShared && id.length <= idMax) return id;
  const mark = createHash("sha256").update(sources.join(" ")).digest("hex").slice(0, 8);
  return `${id.slice(0, idMax - mark.length - 1)}-${mark}`;
}

const tellsOfPower = ({ means }: Told): boolean => means === "power-lost";

/** With which units one shares its duty, by the name of the rule that tells of its loss; of several duties the first. */
export function sharedDuties(told: readonly Told[], topology: Topology): [string, Shared][] {
  const together = feedsTogether(topology);
  return told.flatMap((one): [string, Shared][] => {
    if (!tellsOfPower(one)) return coolingShared(one, topology);
    const found = together.find(({ sources }) => sources.includes(one.device.id));
    const of = `power of ${found?.fed.length} devices`;
    return found === undefined ? [] : [[one.rule, { of, unit: one.device.id, units: found.sources, need: 1 }]];
  });
}

/** The first zone that a unit cools with others. */
function coolingShared({ rule, device, means }: Told, { coolersOf, needOf }: Topology): [string, Shared][] {
  if (means !== "cooling-lost" || device.location.zone === undefined) return [];
  const { zone } = device.location;
  const units = coolersOf(zone);
  return units.length < 2 || !units.includes(device.id)
    ? []
    : [[rule, { of: `cooling of zone ${zone}`, unit: device.id, units, need: needOf(zone) }]];
}
