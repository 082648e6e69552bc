/**
 * How many OIDs a device answers at once, learnt from what it did. There are devices that say tooBig, and devices that say
 * nothing to a request that is too large for them; but a device says nothing, too, when it is gone.
 */
export interface Capacity {
  /** How many to ask for now. */
  readonly now: number;
  /** More were too many. */
  readonly lid: number;
  /** So many were answered once: silence to no more than these is not for their number. */
  readonly proven: number;
  /** So many met silence once, after fewer had been answered; 0: none. Twice, and it is the lid. */
  readonly doubted: number;
}

export const unlimited = (most: number): Capacity => ({ now: most, lid: most, proven: 0, doubted: 0 });

export const afterTooBig = (capacity: Capacity, asked: number): Capacity => {
  const lid = Math.ceil(asked / 2);
  return { ...capacity, lid, now: lid, proven: Math.min(capacity.proven, lid) };
};

/** A device that was gone is asked for more again, twice as many each time. What belongs together may not fill it all. */
export function afterAnswer(capacity: Capacity, asked: number): Capacity {
  const { now, lid } = capacity;
  return { ...capacity, proven: Math.max(capacity.proven, asked), now: 2 * asked < now ? now : Math.min(lid, 2 * now) };
}

export function afterSilence(capacity: Capacity, asked: number): Capacity {
  const { now, proven, doubted } = capacity;
  if (asked <= proven || asked === 1) return capacity;
  if (proven === 0) return { ...capacity, now: Math.min(now, Math.ceil(asked / 2)) };
  if (asked !== doubted) return { ...capacity, now: proven, doubted: asked };
  return { ...capacity, now: proven, lid: proven };
}
