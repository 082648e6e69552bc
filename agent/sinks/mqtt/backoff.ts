/** A connection that held this long was a good one: the next loss is a new one. */
export const stableMs = 30_000;
const firstMs = 1000;
const mostMs = 60_000;

/**
 * How long to wait before the next attempt, after `failed` in a row: uniformly between 0 and a bound that doubles from
 * 1 s to 60 s ("full jitter"), so that agents that lost one broker together do not come back together.
 *
 * @param random uniform in [0, 1)
 */
export const backoffMs = (failed: number, random: number): number =>
  random * Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(0, failed - 1), 16));
