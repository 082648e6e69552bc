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
  /** The lid before, while more is tried again; 0: nothing is tried. */
  readonly before: number;
}

export const unlimited = (most: number): Capacity => ({ now: most, lid: most, proven: 0, doubted: 0, before: 0 });

/** The way back: a device may have been replaced, or what is on the way to it. One answer, or one refusal, decides. */
export function tryMore(capacity: Capacity, most: number): Capacity {
  const { lid, before } = capacity;
  if (before > 0 || lid >= most) return capacity;
  const more = Math.min(most, 2 * lid);
  return { ...capacity, lid: more, now: more, before: lid };
}

/** Whether so many are asked for to see if they are answered now. */
export const isTried = ({ before }: Capacity, asked: number): boolean => before > 0 && asked > before;

/** What is known of it for certain. */
export const lidOf = ({ lid, before }: Capacity): number => (before > 0 ? before : lid);

/** What is tried has failed, in whatever way: it is again as it was. */
export const afterTrial = (capacity: Capacity): Capacity => {
  const { before: lid, proven } = capacity;
  return { ...capacity, lid, now: lid, proven: Math.min(proven, lid), before: 0 };
};

export const afterTooBig = (capacity: Capacity, asked: number): Capacity => {
  if (isTried(capacity, asked)) return afterTrial(capacity);
  const lid = Math.ceil(asked / 2);
  return { ...capacity, lid, now: lid, proven: Math.min(capacity.proven, lid), before: 0 };
};

/** A device that was gone is asked for more again, twice as many each time. What belongs together may not fill it all. */
export function afterAnswer(capacity: Capacity, asked: number): Capacity {
  const { now, lid } = capacity;
  const before = isTried(capacity, asked) ? 0 : capacity.before;
  const proven = Math.max(capacity.proven, asked);
  return { ...capacity, proven, before, now: 2 * asked < now ? now : Math.min(lid, 2 * now) };
}

export function afterSilence(capacity: Capacity, asked: number): Capacity {
  if (isTried(capacity, asked)) return afterTrial(capacity);
  const { now, proven, doubted } = capacity;
  if (asked <= proven || asked === 1) return capacity;
  if (proven === 0) return { ...capacity, now: Math.min(now, Math.ceil(asked / 2)) };
  if (asked !== doubted) return { ...capacity, now: proven, doubted: asked };
  return { ...capacity, now: proven, lid: proven, before: 0 };
}
