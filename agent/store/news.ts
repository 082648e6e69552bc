import type { Mark } from "./samples.ts";

/**
 * Which samples tell something new of their points: one that has moved by more than the point's deadband since the last one
 * that was taken, is of another quality, or comes when that has stood for `beatMs`. All others only repeat.
 */
export interface News {
  /** @param always whatever is newer will do */
  isNews(place: number, at: number, value: number, mark: Mark, always?: boolean): boolean;
  take(place: number, at: number, value: number, mark: Mark): void;
}

const none: Mark = 255;

/** @param deadbands of points, which are known by their place in it */
export function newsOf(deadbands: readonly number[], beatMs: number): News {
  const widths = Float64Array.from(deadbands);
  const ats = new Float64Array(widths.length).fill(Number.NEGATIVE_INFINITY);
  const values = new Float64Array(widths.length);
  const marks = new Uint8Array(widths.length).fill(none);
  return {
    isNews(place, at, value, mark, always = false) {
      const lastAt = ats[place] ?? 0;
      if (at <= lastAt) return false;
      if (always || mark !== marks[place] || at - lastAt >= beatMs) return true;
      return Math.abs(value - (values[place] ?? 0)) > (widths[place] ?? 0);
    },
    take(place, at, value, mark) {
      ats[place] = at;
      values[place] = value;
      marks[place] = mark;
    },
  };
}
