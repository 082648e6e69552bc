import * as z from "zod";

const unitsMs = { ms: 1, s: 1000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/;

/** "500ms", "10s", "5m", "1.5h", "3d" → milliseconds; null if it is not a duration. */
export function parseDuration(text: string): number | null {
  const [, number, unit] = pattern.exec(text.trim()) ?? [];
  if (number === undefined || unit === undefined) return null;
  return Math.round(Number(number) * unitsMs[unit as keyof typeof unitsMs]);
}

/** 90000 → "90 s", 600000 → "10 min": at most two significant units would be noise in an alarm. */
export function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const expected = 'expected a duration such as "10s", "5m", "500ms"';

/** Schema of a duration as people write it; its value is milliseconds. */
export const duration = z
  .string(expected)
  .regex(pattern, expected)
  .transform((text) => parseDuration(text) ?? 0);
