/** How far a counter went from one reading to the next, or that it began anew. */
export type CounterStep =
  | { readonly kind: "up" | "wrap"; readonly delta: number }
  | { readonly kind: "reset"; readonly delta: null };

/**
 * A fall is a wrap only if it is more than half of the range and what it would mean is believable; anything else is
 * a reset. Taking every fall as a reset would lose each wrap of a 16-bit register.
 */
export function counterStep(previous: number, current: number, bits: 16 | 32 | 64, maxDelta: number): CounterStep {
  if (current >= previous) return { kind: "up", delta: current - previous };
  const wrapped = current + 2 ** bits - previous;
  if (previous - current > 2 ** (bits - 1) && wrapped <= maxDelta) return { kind: "wrap", delta: wrapped };
  return { kind: "reset", delta: null };
}

/** SNMP's TimeTicks (RFC 2578, 7.1.8) wrap at 2^32 hundredths of a second, which is 497 days. */
const uptimeWrapsMs = 2 ** 32 * 10;

/**
 * Whether a device has restarted between two readings of how long it has been up, `passedMs` apart. One that has, is up for
 * no longer than has passed; one that has not, for as much longer than before: what is nearer is taken to be true, so that its
 * clock may go wrong, and a restart that took place long before the second reading is found as well. What says just what it
 * would after a wrap, has wrapped.
 * @param unitMs what one unit of the readings is; undefined: nobody knows, so that only a fall tells of a restart
 */
export function hasRestarted(previous: number, current: number, passedMs: number, unitMs: number | undefined): boolean {
  if (unitMs === undefined) return current < previous;
  const [before, after] = [previous * unitMs, current * unitMs];
  const wrapped = after + uptimeWrapsMs - before;
  const isDue = Math.abs(wrapped - passedMs) <= 0.1 * passedMs + 1000;
  return !isDue && after < passedMs + before / 2;
}
