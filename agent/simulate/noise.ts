/**
 * What makes readings unsteady, and yet the same in every run: a number in [−1, 1) that depends on nothing but the
 * seed, the time and what is read. Having no state, it does not matter what was read before, or how often.
 */
export function noise(seed: number, tick: number, what: string): number {
  let mixed = seed | 0;
  for (let i = 0; i < what.length; i++) mixed = Math.imul(mixed ^ what.charCodeAt(i), 0x01000193); // FNV-1a's prime
  return 2 * mulberry32(mixed + Math.imul(tick, 0x6d2b79f5)) - 1;
}

/** One output of Tommy Ettinger's mulberry32, uniform in [0, 1). */
function mulberry32(state: number): number {
  let t = (state + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
