import type { Wall } from "./sample.ts";

/**
 * An incident in one line for a tired person: where, what, value and limit, since when, likely cause, first action.
 */
export interface Telling {
  readonly where: string;
  readonly what: string;
  /** "33.4 °C (limit 32)", "does not answer". */
  readonly said: string;
  readonly since: string;
  readonly cause: string;
  readonly action: string;
}

export const textMax = 140;

/** What must not be missing comes first; cause, then action, give way when it gets too long. */
export function tell({ where, what, said, since, cause, action }: Telling): string {
  const head = [where, what, said].filter((part) => part !== "").join(" ");
  const sentences = (...parts: string[]): string => `${parts.filter((part) => part !== "").join(". ")}.`;
  const caused = cause === "" ? `${head} since ${since}` : `${head} since ${since}; ${cause}`;
  const candidates = [sentences(caused, bare(action)), sentences(`${head} since ${since}`, bare(action))];
  return candidates.find((text) => text.length <= textMax) ?? cut(sentences(`${head} since ${since}`));
}

/** The line for an incident that is over; `now`: the value with its unit, "" where none is known or it is no number. */
export const tellCleared = (where: string, what: string, now: string, lasted: string): string => {
  const head = [where, what].filter((part) => part !== "").join(" ");
  return cut(`${head} back to normal${now === "" ? "" : ` (${now})`} after ${lasted}.`);
};

/** The line for what somebody did: "Hall 1 CRAC-2 acknowledged." */
export const tellDone = (where: string, what: string, done: string): string =>
  cut(`${[where, what, done].filter((part) => part !== "").join(" ")}.`);

const bare = (sentence: string): string => sentence.replace(/\.\s*$/, "");
const cut = (text: string): string => (text.length <= textMax ? text : `${text.slice(0, textMax - 1).trimEnd()}…`);

/** How people write UCUM units; others stand as they are. */
const unitSigns: Readonly<Record<string, string>> = {
  "1": "",
  Cel: "°C",
  K: "K",
  "[degF]": "°F",
  h: "h",
  min: "min",
  s: "s",
};
export const unitSign = (ucum: string): string => unitSigns[ucum] ?? ucum;

/** At most one decimal beyond what tells neighbours apart: 33.4, 231, 0.05. */
export function number(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 1 ? 1 : 2;
  return String(Number(value.toFixed(decimals)));
}

/** "03:02" of that day in the site's time zone. */
export function timeOfDay(wall: Wall, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    formats.set(timeZone, format);
  }
  return format.format(wall);
}
const formats = new Map<string, Intl.DateTimeFormat>();

/** "03:02:41" in the site's time zone, with the date where it is not that of `now`. */
export function clockTime(wall: Wall, now: Wall, timeZone: string): string {
  // Swedes write dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  const [day, time] = format.format(wall).split(" ");
  return format.format(now).startsWith(String(day)) ? String(time) : `${day} ${time}`;
}
