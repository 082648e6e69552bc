import type { Env } from "../agent/env.ts";

/**
 * How much of what devices say unasked is looked into: a token bucket for each source, one for all sources that are no device of
 * the site, so that forged addresses get nothing by being many, and one for all, which bounds what it may cost (a trap of SNMPv3
 * some 50 µs).
 */
export type UnaskedBudget = (source: string, isKnown: boolean) => boolean;

interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A PDU may tell of each of 48 outlets at once. */
const usual: Rate = { burst: 50, perSecond: 10 };
const perStrangers: Rate = { burst: 100, perSecond: 20 };
/** A power event: some traps from each of hundreds of devices. */
const inAll: Rate = { burst: 2000, perSecond: 500 };
/** Strangers, each with a bucket; devices have theirs for ever, so that no flood of forged addresses gives one a full one. */
const strangersMax = 2000;

interface Bucket {
  left: number;
  /** ms */
  at: number;
}

/** @param perSource what each may say; as many traps as are usual, if not given */
export function unaskedBudget({ clock }: Pick<Env, "clock">, perSource: Rate = usual): UnaskedBudget {
  const full = ({ burst }: Rate): Bucket => ({ left: burst, at: clock.mono() });
  const devices = new Map<string, Bucket>();
  const strangers = new Map<string, Bucket>();
  const allStrangers = full(perStrangers);
  const all = full(inAll);

  const of = (sources: Map<string, Bucket>, source: string): Bucket => {
    const known = sources.get(source);
    if (known !== undefined) return known;
    const made = full(perSource);
    sources.set(source, made);
    return made;
  };
  const fill = (bucket: Bucket, { burst, perSecond }: Rate): Bucket => {
    const now = clock.mono();
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  };

  return (source, isKnown) => {
    const own = of(isKnown ? devices : strangers, source);
    if (strangers.size > strangersMax) strangers.delete(strangers.keys().next().value ?? "");
    const asked = [fill(own, perSource), fill(all, inAll), ...(isKnown ? [] : [fill(allStrangers, perStrangers)])];
    if (asked.some(({ left }) => left < 1)) return false;
    for (const bucket of asked) bucket.left--;
    return true;
  };
}
