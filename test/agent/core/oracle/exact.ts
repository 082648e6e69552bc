/**
 * Fractions of whole numbers, so that no rounding stands between the oracle and the text: 0.3 is 3/10 here, and 27 − 0.1
 * is 26.9. Infinity is ±1/0; two infinities are never compared.
 */
export interface Exact {
  readonly over: bigint;
  readonly under: bigint;
}

export const zero: Exact = { over: 0n, under: 1n };
export const infinity: Exact = { over: 1n, under: 0n };

/** A finite number by the decimals it is written with. */
export function exact(value: number): Exact {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", decimals = ""] = mantissa.split(".");
  const tens = Number(exponent) - decimals.length;
  const digits = BigInt(whole + decimals);
  return tens >= 0 ? { over: digits * 10n ** BigInt(tens), under: 1n } : { over: digits, under: 10n ** BigInt(-tens) };
}

export const add = (a: Exact, b: Exact): Exact =>
  a.under === b.under
    ? { over: a.over + b.over, under: a.under }
    : { over: a.over * b.under + b.over * a.under, under: a.under * b.under };
export const minus = (a: Exact): Exact => ({ over: -a.over, under: a.under });
export const subtract = (a: Exact, b: Exact): Exact => add(a, minus(b));
export const multiply = (a: Exact, b: Exact): Exact => ({ over: a.over * b.over, under: a.under * b.under });
/** By anything but 0. */
export function divide(a: Exact, b: Exact): Exact {
  const sign = b.over < 0n ? -1n : 1n;
  return { over: sign * a.over * b.under, under: sign * a.under * b.over };
}

/** Below 0: a is less; 0: equal; above 0: a is more. */
export function compare(a: Exact, b: Exact): number {
  const difference = a.over * b.under - b.over * a.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
export const atLeast = (a: Exact, b: Exact): boolean => compare(a, b) >= 0;
export const above = (a: Exact, b: Exact): boolean => compare(a, b) > 0;

export const about = ({ over, under }: Exact): number => Number(over) / Number(under);

export const sum = (all: readonly Exact[]): Exact => all.reduce(add, zero);
export const greatest = (all: readonly Exact[]): Exact => all.reduce((a, b) => (above(b, a) ? b : a));
export const least = (all: readonly Exact[]): Exact => all.reduce((a, b) => (above(a, b) ? b : a));

/** Of at least one. Sorted by what they come to, about; exactly only where that does not tell them apart. */
export function median(all: readonly Exact[]): Exact {
  const sorted = all
    .map((one) => ({ one, about: about(one) }))
    .sort((a, b) => {
      const difference = a.about - b.about;
      return Math.abs(difference) > 1e-9 * (Math.abs(a.about) + Math.abs(b.about)) ? difference : compare(a.one, b.one);
    });
  const middle = (at: number): Exact => (sorted[at] as { one: Exact }).one;
  const half = sorted.length / 2;
  return sorted.length % 2 === 1
    ? middle(Math.floor(half))
    : divide(add(middle(half - 1), middle(half)), { over: 2n, under: 1n });
}
