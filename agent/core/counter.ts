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
