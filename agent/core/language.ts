import * as z from "zod";

/** The languages in which incidents are told. */
export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

/** Words as people write them in rules and points: for all languages, or for each. */
export const wording = z.union(
  [z.string(), z.record(z.enum(languages), z.string())],
  "expected a text, or one for each language: { en: …, de: … }",
);
export type Wording = string | Readonly<Record<Language, string>>;

export const inLanguage = (words: Wording, language: Language): string =>
  typeof words === "string" ? words : words[language];

/** Our own words around those of rules, for a reader at night; {names} are filled in, or left out with their comma. */
const phrases = {
  // Where.
  row: { en: "row {row}", de: "Reihe {row}" },
  rack: { en: "rack {rack}", de: "Rack {rack}" },
  // What a rule says of its measure.
  limit: { en: "{said} (limit {limit})", de: "{said} (Grenze {limit})" },
  off: { en: "{value}, {by} off", de: "{value}, Abweichung {by}" },
  changed: { en: "changed {by} in {time}", de: "Änderung {by} in {time}" },
  rise: { en: "rising {rate}", de: "steigend {rate}" },
  fall: { en: "falling {rate}", de: "fallend {rate}" },
  both: { en: "changing {rate}", de: "schwankend {rate}" },
  ahead: { en: "{value}, {target} in {time}", de: "{value}, {target} in {time}" },
  reached: { en: "{value}, {target} reached", de: "{value}, {target} erreicht" },
  stuck: { en: "stuck at {value} for {time}", de: "unverändert {value} über {time}" },
  noAnswer: { en: "does not answer", de: "keine Antwort" },
  noValue: { en: "no good value for {time}", de: "{time} ohne gültigen Wert" },
  otherDevice: { en: "is another device", de: "fremdes Gerät" },
  otherPart: {
    en: "is another device: {part} {told} (expected {expected})",
    de: "fremdes Gerät: {part} {told} (erwartet {expected})",
  },
  identity: { en: "identity", de: "Identität" },
  untold: { en: "does not tell who it is", de: "sagt nicht, wer es ist" },
  untoldPart: {
    en: "does not tell its {part} (expected {expected})",
    de: "nennt nicht: {part} (erwartet {expected})",
  },
  serial: { en: "serial", de: "Serien-Nr." },
  id: { en: "id", de: "Kennung" },
  mac: { en: "MAC", de: "MAC" },
  vendor: { en: "vendor", de: "Hersteller" },
  model: { en: "model", de: "Modell" },
  firmware: { en: "firmware", de: "Firmware" },
  state: { en: "is {value}", de: "ist {value}" },
  bit: { en: "bit {bit}", de: "Bit {bit}" },
  ofAll: { en: "{some} of {all}", de: "{some} von {all}" },
  atOnce: { en: "{some} or more of {all}", de: "{some} oder mehr von {all}" },
  lost: { en: "{some} lost", de: "{some} ausgefallen" },
  worst: { en: "worst {who}", de: "Spitze {who}" },
  // Since when, and how it stands.
  since: { en: "{said} since {time}", de: "{said} seit {time}" },
  still: { en: "still {said}", de: "weiterhin {said}" },
  explained: { en: "explained by {cause}", de: "erklärt durch {cause}" },
  goesOn: { en: "goes on after {cause} is back to normal", de: "hält an, obwohl {cause} wieder normal" },
  goesOnAlone: { en: "goes on after its cause is over", de: "hält an, obwohl die Ursache vorbei ist" },
  maintenanceOver: { en: "maintenance is over", de: "Wartung beendet" },
  inService: { en: "in service again", de: "wieder in Betrieb" },
  unshelved: { en: "no longer shelved", de: "nicht mehr zurückgestellt" },
  again: { en: "active again", de: "erneut aktiv" },
  flaps: { en: "comes and goes", de: "kommt und geht" },
  // Its end, and what people do.
  over: { en: "{said} back to normal{now} after {lasted}", de: "{said} wieder normal{now} nach {lasted}" },
  toReset: { en: "to be reset", de: "noch rücksetzen" },
  acknowledged: { en: "acknowledged", de: "quittiert" },
  unacknowledged: { en: "acknowledgement withdrawn", de: "Quittierung zurückgenommen" },
  closed: { en: "closed", de: "geschlossen" },
  shelved: { en: "shelved", de: "zurückgestellt" },
  outOfService: { en: "out of service", de: "außer Betrieb" },
  ruleGone: { en: "no longer judged, the rule is gone", de: "nicht mehr überwacht, die Regel ist entfallen" },
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>;

export type Phrase = keyof typeof phrases;

export const phrase = (language: Language, name: Phrase, filled: Readonly<Record<string, string>> = {}): string =>
  phrases[name][language].replaceAll(/\{(\w+)\}/g, (_, slot: string) => filled[slot] ?? "").replace(/^[, ]+| +$/g, "");

const decimalSigns: Readonly<Record<Language, string>> = { en: ".", de: "," };

/** A number as it is, with the language's decimal sign. */
export const written = (value: number | string, language: Language): string =>
  String(value).replace(".", decimalSigns[language]);
