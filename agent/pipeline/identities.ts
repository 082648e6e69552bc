import { answered, type Inquiry, type Reading, type Told } from "../../drivers/driver.ts";
import type { Device, DeviceIdentity, Site } from "../config/resolved.ts";
import {
  type Compared,
  compare,
  type Difference,
  type Identity,
  type IdentityPart,
  isKnown,
  verdicts,
} from "../core/identity.ts";
import { type Instant, identityPoint, type Mono, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { Store } from "../store/store.ts";

/**
 * Who the devices are. One that was silent is asked before it is believed, since another one may have come back in its
 * place; while it answers, once an hour. It is known by what the site file says, else by what it first told, which is kept.
 */
export interface Identities {
  /** What to ask a device that has just answered, before its values are judged; null: nothing. */
  due(device: string, now: Mono): Inquiry | null;
  /** What it answered. True: its firmware is another one, so all its points are to be looked at. */
  heard(device: string, told: readonly Told[], now: Mono): boolean;
  /** It did not answer: who answers next is not known. */
  lost(device: string): void;
  /** The readings of a device, as faults unless it is proven to be the one that it should be. */
  believed(device: string, readings: readonly Reading[]): readonly Reading[];
  /** For the device's rule; none where nothing tells who it is, or it has not told yet. */
  samples(device: string, now: Instant): readonly Sample[];
  /** What shows that it is another device; null: it is not, or nobody knows. */
  stranger(device: string): Difference | null;
  all(): ReadonlyMap<string, IdentityStatus>;
  /**
   * From now on it must be who it is now.
   *
   * @throws when the store does not take that
   */
  accept(device: string, by: { readonly user: string; readonly reason: string }): void;
}

export interface IdentityStatus {
  /** What it was when it was accepted; empty: not known yet. */
  readonly expected: Identity;
  /** What of that the site file says. */
  readonly given: Identity;
  /** What it told last. */
  readonly told: Identity;
  /** `unknown`: it has not told since it was last silent. */
  readonly verdict: Compared["verdict"] | "unknown";
}

/** As it is kept. */
interface Pinned {
  readonly parts: Identity;
  /** Who accepted it, and why; absent: it was the first. */
  readonly by?: { readonly user: string; readonly reason: string };
}

interface Known {
  readonly device: Device;
  readonly asks: DeviceIdentity;
  pinned: Identity;
  told: Identity;
  /** Null: not since it was last silent. */
  compared: Compared | null;
  /** Having proven it, it told nothing when it was last asked: it may just be busy. */
  isDoubted: boolean;
  askAt: Mono;
}

const hourMs = 3_600_000;
/** Until it has proven who it is. */
const retryMs = 10_000;
/** Where there is nothing to prove yet, and no answer: who does not know the question must not cost the bus much. */
const patientMs = 300_000;
const atOnce = Number.NEGATIVE_INFINITY;

export function identitiesOf(env: Env, site: Site, store: Pick<Store, "pinned" | "pin">): Identities {
  const all = knownIn(site, store.pinned());
  const pin = (known: Known, parts: Identity, by?: Pinned["by"]): void => {
    store.pin(known.device.id, JSON.stringify({ parts, ...(by === undefined ? {} : { by }) } satisfies Pinned));
    known.pinned = parts;
  };
  return {
    due(id, now) {
      const known = all.get(id);
      if (known === undefined || now < known.askAt) return null;
      return { device: known.device.address, parts: known.asks.parts };
    },
    heard(id, answers, now) {
      const known = all.get(id);
      if (known === undefined) return false;
      const expected = expectedOf(known);
      known.askAt = now + (isKnown(expected) ? retryMs : patientMs);
      if (!answered(answers)) return false;
      const before = known.compared?.verdict;
      const told = Object.fromEntries(answers.flatMap((one) => ("text" in one ? [[one.part, one.text]] : [])));
      const compared = compare(expected, told);
      const { verdict, by, firmware } = compared;
      const isFirstDoubt = verdict === "untold" && before === "same" && !known.isDoubted;
      known.isDoubted = isFirstDoubt;
      if (isFirstDoubt) return false;
      Object.assign(known, { told, compared });
      if (verdict === "other" && before !== "other") env.report("device.other", { device: id, ...by });
      if (verdict !== "same" || !learn(env, known, pin)) return false;
      known.askAt = now + hourMs;
      if (firmware !== null) env.report("device.firmware", { device: id, ...firmware });
      return firmware !== null;
    },
    lost(id) {
      const known = all.get(id);
      if (known === undefined || known.compared === null) return;
      known.compared = null;
      known.askAt = atOnce;
    },
    believed(id, readings) {
      const known = all.get(id);
      return known === undefined || isProven(known) ? readings : disbelieved(known, readings);
    },
    samples(id, now) {
      const compared = all.get(id)?.compared ?? null;
      if (compared === null) return [];
      return [{ ...now, point: identityPoint(id), quality: "good", value: verdicts[compared.verdict] }];
    },
    stranger: (id) => all.get(id)?.compared?.by ?? null,
    all: () => new Map([...all].map(([id, known]) => [id, statusOf(known)])),
    accept(id, by) {
      const known = all.get(id);
      if (known === undefined) throw new Error(`bug: nothing tells who ${id} is`);
      pin(known, known.told, by);
      known.compared = compare(expectedOf(known), known.told);
      env.report("device.accepted", { device: id, ...by, ...known.told });
    },
  };
}

function knownIn(site: Site, kept: ReadonlyMap<string, string>): ReadonlyMap<string, Known> {
  return new Map(
    site.devices.flatMap((device) => {
      const { identity: asks } = device;
      if (asks === undefined) return [];
      const { parts } = JSON.parse(kept.get(device.id) ?? '{"parts":{}}') as Pinned;
      // Whom the site file gives another number is another device, of which nothing is known but that.
      const isOther = compare(asks.given, parts).verdict === "other";
      return [
        [
          device.id,
          { device, asks, pinned: isOther ? {} : parts, told: {}, compared: null, isDoubted: false, askAt: atOnce },
        ],
      ];
    }),
  );
}

/** Parts that its profile no longer names are not missed. */
function expectedOf({ asks, pinned }: Known): Identity {
  const named = asks.parts.map(({ name }) => name);
  return { ...Object.fromEntries(Object.entries(pinned).filter(([part]) => named.includes(part))), ...asks.given };
}

const statusOf = (known: Known): IdentityStatus => ({
  expected: expectedOf(known),
  given: known.asks.given,
  told: known.told,
  verdict: known.compared?.verdict ?? "unknown",
});

const isProven = (known: Known): boolean => known.compared?.verdict === "same" || !isKnown(expectedOf(known));

function disbelieved({ compared }: Known, readings: readonly Reading[]): Reading[] {
  const fault = compared?.verdict === "other" ? "identity_mismatch" : "identity_unknown";
  const detail = compared?.by ? sayDifference(compared.by) : "it has not told yet who it is";
  return readings.map((one) => ("fault" in one ? one : { point: one.point, fault, detail }));
}

/** For people who look into it; incidents have words of their own. */
const sayDifference = ({ part, told, expected }: Difference): string =>
  told === null ? `it tells no ${part} (expected ${expected})` : `${part} ${told} (expected ${expected})`;

/** Keeps what is new of a device that is the same. False: the disk did not take it; it is asked again soon. */
function learn(env: Env, known: Known, pin: (known: Known, parts: Identity) => void): boolean {
  const { device, pinned, told, compared } = known;
  const news = Object.keys(told).some((part) => pinned[part as IdentityPart] === undefined);
  if (!news && compared?.firmware === null) return true;
  const { firmware } = told;
  try {
    pin(known, { ...told, ...pinned, ...(firmware === undefined ? {} : { firmware }) });
  } catch (error) {
    env.report("commit.failed", { error: String(error) });
    return false;
  }
  if (news) env.report("device.pinned", { device: device.id, ...told });
  return true;
}
