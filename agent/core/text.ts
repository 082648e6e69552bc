import { type Language, phrase, written } from "./language.ts";
import type { Wall } from "./sample.ts";

/**
 * An incident in one line for a tired person: where, what, value and limit, since when, likely cause, first action.
 */
export interface Telling {
  readonly language: Language;
  readonly where: string;
  readonly what: string;
  /** "33.4 °C (limit 32)", "does not answer". */
  readonly said: string;
  /** More of what is said, for where there is room: "worst PDU-F12 33.4 °C". */
  readonly aside: string;
  readonly since: string;
  /** What is new, "" where it has just been raised: "maintenance is over". */
  readonly news: string;
  readonly cause: string;
  readonly action: string;
  /** What happens if nobody does it; "" where that is not grave. */
  readonly consequence: string;
}

export const textMax = 140;

/** What must not be missing comes first; consequence, cause, aside, then action give way when it gets too long. */
export function tell(telling: Telling): string {
  const { language, where, what, said, since, news, cause, action, consequence } = telling;
  const risk = consequence === "" ? "" : phrase(language, "otherwise", { consequence });
  const sentence = (aside: string, because: string, then: string, otherwise = ""): string => {
    const head = phrase(language, "since", {
      said: joined([joined([where, what, said], " "), aside], ", "),
      time: since,
    });
    return `${joined([joined([joined([head, news], ", "), because], "; "), bare(then), otherwise], ". ")}.`;
  };
  const { aside } = telling;
  const candidates = [
    sentence(aside, cause, action, risk),
    sentence(aside, cause, action),
    sentence(aside, "", action),
    sentence("", "", action),
  ];
  return candidates.find((text) => text.length <= textMax) ?? cut(sentence("", "", ""));
}

/** An incident that is over. */
export interface Cleared extends Pick<Telling, "language" | "where" | "what" | "news"> {
  /** The value with its unit; "" where none is known or it is no number. */
  readonly now: string;
  readonly lasted: string;
}

export function tellCleared({ language, where, what, now, lasted, news }: Cleared): string {
  const over = phrase(language, "over", {
    said: joined([where, what], " "),
    now: now === "" ? "" : ` (${now})`,
    lasted,
  });
  return cut(`${joined([over, news], ", ")}.`);
}

/** The line for what somebody did: "Hall 1 CRAC-2 acknowledged." */
export const tellDone = (where: string, what: string, done: string): string =>
  cut(`${joined([where, what, done], " ")}.`);

const joined = (parts: readonly string[], by: string): string => parts.filter((part) => part !== "").join(by);

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
export function number(value: number, language: Language = "en"): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 1 ? 1 : 2;
  return written(Number(value.toFixed(decimals)), language);
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
