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
  // Of several that tell the same: who says so.
  saysSo: { en: "{who} says so", de: "{who} meldet es" },
  sayIt: { en: "{who} say so", de: "{who} melden es" },
  doesNot: { en: "{who} does not", de: "{who} nicht" },
  doNot: { en: "{who} do not", de: "{who} nicht" },
  notKnown: { en: "{who} unknown", de: "{who} unbekannt" },
  noVoice: { en: "{who} silenced", de: "{who} stummgeschaltet" },
  and: { en: "{some} and {last}", de: "{some} und {last}" },
  disagree: { en: "disagree", de: "widersprechen sich" },
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
  otherwise: { en: "Else: {consequence}", de: "Sonst: {consequence}" },
  // Its end, and what people do.
  over: { en: "{said} back to normal{now} after {lasted}", de: "{said} wieder normal{now} nach {lasted}" },
  toReset: { en: "to be reset", de: "noch rücksetzen" },
  acknowledged: { en: "acknowledged", de: "quittiert" },
  unacknowledged: { en: "acknowledgement withdrawn", de: "Quittierung zurückgenommen" },
  closed: { en: "closed", de: "geschlossen" },
  shelved: { en: "shelved", de: "zurückgestellt" },
  outOfService: { en: "out of service", de: "außer Betrieb" },
  // Floods.
  floodBegan: {
    en: "Alarm flood: {count} alarms in 10 min{whence}. What is below high comes in a digest each minute.",
    de: "Alarmflut: {count} Alarme in 10 min{whence}. Was unter high liegt, kommt jede Minute gesammelt.",
  },
  floodFrom: { en: ", most from {names}", de: ", die meisten von {names}" },
  floodMore: { en: "Alarm flood, {counts}.{worst}", de: "Alarmflut, {counts}.{worst}" },
  floodCalls: { en: "{count} more alarms{mix}", de: "{count} weitere Alarme{mix}" },
  floodCleared: { en: "{count} cleared", de: "{count} wieder normal" },
  floodChanged: { en: "{count} changed", de: "{count} geändert" },
  floodWorst: { en: " Worst: {names}.", de: " Schlimmste: {names}." },
  // Modes; {what} is the mode and of what.
  modeBegan: { en: "{what} until {time}, by {by}: {why}", de: "{what} bis {time}, von {by}: {why}" },
  modeEnds: { en: "{what} ends at {time}; active now: {active}", de: "{what} endet um {time}; jetzt aktiv: {active}" },
  modeOver: {
    en: "{what} over after {lasted}; alarms expected: {expected}, other calls: {others}, still active: {active}",
    de: "{what} beendet nach {lasted}; erwartete Alarme: {expected}, andere Rufe: {others}, noch aktiv: {active}",
  },
  modeOverdue: {
    en: "{what} did not complete by {time}; still active: {active}. Bring the plant back, or begin it anew.",
    de: "{what} bis {time} nicht beendet; noch aktiv: {active}. Anlage zurückschalten oder neu beginnen.",
  },
  // Past the centre, while the uplink is down.
  uplinkDown: {
    en: "Uplink down for {time}, critical incidents active: {count}. {texts}",
    de: "Verbindung zur Leitstelle seit {time} unterbrochen, kritische Störungen aktiv: {count}. {texts}",
  },
  uplinkBack: { en: "Uplink is back after {time}{follow}.", de: "Verbindung nach {time} wieder da{follow}." },
  uplinkFollow: { en: "; incidents that follow: {count}", de: "; es folgen Störungen: {count}" },
  uplinkMore: {
    en: "More while the uplink is down: {counts}. {texts}",
    de: "Weiteres ohne Verbindung: {counts}. {texts}",
  },
  uplinkTest: {
    en: "Test of what is told while the uplink is down; nothing is wrong.",
    de: "Probe der Meldungen bei unterbrochener Verbindung; es liegt keine Störung vor.",
  },
  silenceEnds: { en: "silenced by {by} until {time}", de: "stummgeschaltet von {by} bis {time}" },
  ruleGone: { en: "no longer judged, the rule is gone", de: "nicht mehr überwacht, die Regel ist entfallen" },
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>;

export type Phrase = keyof typeof phrases;

export const phrase = (language: Language, name: Phrase, filled: Readonly<Record<string, string>> = {}): string =>
  phraseWhole(language, name, filled).replace(/^[, ]+| +$/g, "");

/** With what joins it to others. */
export const phraseWhole = (language: Language, name: Phrase, filled: Readonly<Record<string, string>>): string =>
  phrases[name][language].replaceAll(/\{(\w+)\}/g, (_, slot: string) => filled[slot] ?? "");

const decimalSigns: Readonly<Record<Language, string>> = { en: ".", de: "," };

/** A number as it is, with the language's decimal sign. */
export const written = (value: number | string, language: Language): string =>
  String(value).replace(".", decimalSigns[language]);
