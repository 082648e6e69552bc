import type { Wording } from "../core/language.ts";
import type { Meaning } from "../core/meaning.ts";
import type { Device } from "./resolved.ts";

/** Rules that are raised of several others: the site's own, on no device. */
export interface Group {
  /** In the place of a device's id; with the rule's it names it for ever. */
  readonly id: string;
  readonly rule: string;
  readonly name: Wording;
  readonly location: Device["location"];
  readonly means: Meaning;
  readonly type: "group" | "redundancy";
  readonly options: Readonly<Record<string, unknown>>;
  readonly say: Readonly<Record<string, Wording>>;
  /** Whether it tells what its members tell, so that nobody need be called for those. */
  readonly covers: boolean;
  readonly members: readonly string[];
}

/** A rule, by what it means to the plant. */
export interface Told {
  readonly rule: string;
  readonly device: Device;
  readonly means: Meaning;
}

/** Those without a key are left out. */
export function byKey<T>(all: readonly T[], keyOf: (one: T) => string | null): Map<string, T[]> {
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

/** What all of them have in common. */
export function roomOf(members: readonly Told[]): Device["location"] {
  const [first] = members.map(({ device }) => device.location);
  const shared = (["building", "room", "zone"] as const).filter((part) =>
    members.every(({ device }) => device.location[part] === first?.[part]),
  );
  return Object.fromEntries(shared.flatMap((part) => (first?.[part] === undefined ? [] : [[part, first[part]]])));
}
