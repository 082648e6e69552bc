const bars = "▁▂▃▄▅▆▇█";

/** A bar each, from the lowest to the highest; a dot where there is no value. */
export function sparkline(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  const bar = (value: number): string => bars[span === 0 ? 3 : Math.round(((value - low) / span) * 7)] ?? "";
  return values.map((value) => (value === null ? "·" : bar(value))).join("");
}
