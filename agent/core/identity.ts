/**
 * Whether a device is the one that it should be: what it tells of itself, compared with what is known. A part that it
 * does not tell proves nothing, neither way.
 */
export const identityParts = ["serial", "id", "mac", "vendor", "model", "firmware"] as const;
export type IdentityPart = (typeof identityParts)[number];

/** Each part as the driver made a text of it. */
export type Identity = Readonly<Partial<Record<IdentityPart, string>>>;

/** The one part that may change: with it the same device may tell other things, or tell them otherwise. */
export const firmware = "firmware";
export const fixedParts = identityParts.filter((part) => part !== firmware);

export interface Difference {
  readonly part: IdentityPart;
  /** Null: it does not tell this part. */
  readonly told: string | null;
  readonly expected: string;
}

/**
 * What the shell reports on `identityPoint`. `untold`: of all that it is known by, it tells nothing; so do cards that are
 * just starting.
 */
export const verdicts = { same: 0, untold: 1, other: 2 } as const;
export type Verdict = keyof typeof verdicts;

export interface Compared {
  readonly verdict: Verdict;
  /** What shows it best, unless it is the same. */
  readonly by: Difference | null;
  /** Of the same device: its firmware, where that is not as it was. */
  readonly firmware: Difference | null;
}

/** One part that differs is enough for another device, one that is equal for the same, where none differs. */
export function compare(expected: Identity, told: Identity): Compared {
  const known = fixedParts.flatMap((part) => difference(part, expected, told));
  const other = known.find((one) => one.told !== null && one.told !== one.expected);
  if (other !== undefined) return { verdict: "other", by: other, firmware: null };
  const [first] = known;
  if (first !== undefined && known.every((one) => one.told === null))
    return { verdict: "untold", by: first, firmware: null };
  const changed = difference(firmware, expected, told).find((one) => one.told !== null && one.told !== one.expected);
  return { verdict: "same", by: null, firmware: changed ?? null };
}

function difference(part: IdentityPart, expected: Identity, told: Identity): Difference[] {
  const known = expected[part];
  return known === undefined ? [] : [{ part, told: told[part] ?? null, expected: known }];
}

/** Whether there is anything by which it could be told from another one. */
export const isKnown = (expected: Identity): boolean => fixedParts.some((part) => expected[part] !== undefined);
