/**
 * Rounded to 12 significant digits, so that 234 × 0.1 is 23.4, and a slope of 0.1 no 0.10000000000000002, to every limit
 * and every reader. By arithmetic, since formatting each sample as text costs more than judging it.
 */
export function rounded(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  const digits = 11 - Math.floor(Math.log10(Math.abs(value)));
  // Beyond it a power of ten is no exact number any more.
  if (digits > 22) return Number(value.toPrecision(12));
  const shift = 10 ** Math.abs(digits);
  return digits < 0 ? Math.round(value / shift) * shift : Math.round(value * shift) / shift;
}
