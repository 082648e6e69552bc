import type { About, Device, Site } from "../config/resolved.ts";
import { sayDuration } from "../core/duration.ts";
import type { Event } from "../core/engine.ts";
import type { Difference } from "../core/identity.ts";
import { type Language, type Phrase, phrase } from "../core/language.ts";
import type { Rule } from "../core/model.ts";
import type { Saying } from "../core/rule.ts";
import { rank } from "../core/severity.ts";
import { number, tell, tellCleared, tellDone, timeOfDay, unitSign } from "../core/text.ts";
import type { EventRecord } from "../sinks/record.ts";
import { countOf, nameOf, noOthers, type Others } from "./others.ts";

/** An event in words, in the site's language and time. */
export interface Telling {
  readonly site: Site;
  readonly about: About;
  readonly event: Event;
  readonly value: number | null;
  readonly valueText: string | null;
  readonly measure: number | null;
  readonly others: Others;
  /** Of an incident that a device is another one: what shows it. */
  readonly stranger: Difference | null;
}

export function textOf(telling: Telling): string {
  const { site, about, event, value, others } = telling;
  const { language, timeZone } = site;
  const where = whereOf(about.device, language);
  const done =
    event.active && event.kind === "unshelve" ? undefined : (doings[event.reason ?? ""] ?? doings[event.kind]);
  if (done !== undefined) return tellDone(where, briefly(telling), phrase(language, done));
  if (event.kind === "clear" || event.reason === "rtn_latched") {
    const now = value === null || !measured.includes(about.type) ? "" : amount(value, about.point?.unit, language);
    const news = [event.latched ? phrase(language, "toReset") : "", whoOf(telling)]
      .filter((part) => part !== "")
      .join(", ");
    return tellCleared({
      language,
      where,
      what: briefly(telling),
      now,
      lasted: sayDuration(event.now.at - event.raised.at),
      news,
    });
  }
  const { cause = "", action = "", consequence = "" } = about.say;
  const who = whoOf(telling);
  const [root] = about.type === "redundancy" && others.roots.length === 0 ? others.members : others.roots;
  const explains = root !== undefined && event.reason !== "unsuppressed";
  const said = inWords(telling);
  return tell({
    language,
    ...(about.members.length === 0 ? { where, what: whatOf(about) } : { where: `${where}:`, what: "" }),
    said: event.reason === "re_alarm" ? phrase(language, "still", { said }) : said,
    who,
    aside: worstOf(site, about, others),
    since: timeOfDay(event.onset.wall, timeZone),
    news: newsOf(site, event, root),
    cause: event.reason === "suppressed" && root !== undefined ? "" : explains ? named(site, root) : cause,
    action: event.reason === "suppressed" ? "" : action,
    consequence: isGrave(event) ? consequence : "",
  });
}

/** Whether it calls, and is so severe that what happens if nobody comes is worth a word. */
const isGrave = ({ annunciate, level: { severity } }: Event): boolean => annunciate && rank(severity) >= rank("high");

/** What it is about, where more than a name is needed to know: "stopped:". */
function briefly({ site, about, event, value, valueText, measure }: Telling): string {
  const { language } = site;
  const what = whatOf(about);
  if (about.members.length > 0) return `${what}:`;
  if (what !== "") return what;
  if (about.type === "identity") return phrase(language, "identity");
  // What is read when it is over is not what was wrong.
  const stands = event.active ? { value, valueText } : { value: null, valueText: null };
  const { rule, level, condition } = event;
  const said =
    about.type === "same"
      ? factOf(site, about, noOthers)
      : sayOf(rule, about, language, { ...stands, measure, limit: level.limit, slot: condition.slot });
  return said === "" ? "" : `${said}:`;
}

/** What several tell: in the words of the one that names the others if it says so, else of the worst that does. */
function factOf(site: Site, { witnesses: [first] }: About, { members }: Others): string {
  const teller = members.find((one) => nameOf(one) === first?.rule) ?? members[0];
  if (teller !== undefined) return saidBy(site, teller) ?? "";
  const rule = site.model.rules.find(({ name }) => name === first?.rule);
  const condition = rule?.conditions[0];
  const about = condition && site.about.get(condition.key);
  if (rule === undefined || condition === undefined || about === undefined) return "";
  return sayOf(rule, about, site.language, { ...nothingKnown, slot: condition.slot });
}

const nothingKnown = { value: null, valueText: null, measure: null, limit: 0 };

/** More would take the room of what is wrong, and of what to do. */
const whoMax = 60;

/** "leak-1 says so, BMS does not"; of one that is over, and of many, the less. */
function whoOf({ site: { language }, about: { witnesses }, event }: Telling): string {
  const { says = [] } = event.measure;
  const names = (wanted: Saying): string[] => witnesses.flatMap(({ name }, i) => (says[i] === wanted ? [name] : []));
  const of = (wanted: Saying, one: Phrase, more: Phrase): string => {
    const all = names(wanted);
    return all.length === 0 ? "" : phrase(language, all.length === 1 ? one : more, { who: listed(all, language) });
  };
  const active = of("active", "saysSo", "sayIt");
  const mute = of("silenced", "noVoice", "noVoice");
  const parts =
    active === "" ? [mute] : [active, of("normal", "doesNot", "doNot"), of("unknown", "notKnown", "notKnown"), mute];
  const who = parts.filter((part) => part !== "").join(", ");
  if (who.length <= whoMax) return who;
  const count = names("active").length;
  const some = { some: String(count), all: String(witnesses.length) };
  return phrase(language, count === 1 ? "saysSo" : "sayIt", { who: phrase(language, "ofAll", some) });
}

function listed(names: readonly string[], language: Language): string {
  const last = names.at(-1) ?? "";
  const some = names.slice(0, -1).join(", ");
  return some === "" ? last : phrase(language, "and", { some, last });
}

/** Of events that people cause, by kind or reason: what was done. */
const doings: Readonly<Record<string, Phrase>> = {
  ack: "acknowledged",
  unack: "unacknowledged",
  close: "closed",
  shelve: "shelved",
  unshelve: "unshelved",
  out_of_service: "outOfService",
};

/** Why it is told again, by reason. */
const tidings: Readonly<Record<string, Phrase>> = {
  maintenance_end: "maintenanceOver",
  in_service: "inService",
  active_again: "again",
  flapping_start: "flaps",
};

function newsOf(site: Site, event: Event, root: EventRecord | undefined): string {
  const { language } = site;
  const { kind, reason } = event;
  if (reason === "silence_ends") return silenceEnds(site, event);
  if (kind === "unshelve") return phrase(language, "unshelved");
  if (reason === "suppressed" && root !== undefined) return phrase(language, "explained", { cause: named(site, root) });
  if (reason === "unsuppressed") {
    if (root === undefined) return phrase(language, "goesOnAlone");
    return phrase(language, "goesOn", { cause: deviceOf(site, root) });
  }
  const found = tidings[reason ?? ""];
  return found === undefined ? "" : phrase(language, found);
}

function silenceEnds({ language, timeZone }: Site, { shelf, maintenance, now }: Event): string {
  const [first] = [shelf, maintenance].flatMap((one) => (one?.until == null ? [] : [{ by: one.by, until: one.until }]));
  if (first === undefined) return "";
  return phrase(language, "silenceEnds", { by: first.by, time: timeOfDay(now.wall + first.until - now.at, timeZone) });
}

/** Types of rule that are decided by a quantity of their own point. */
const measured: readonly string[] = ["level", "roc", "excursion"];

/** What is wrong: a measure and its limit, or how many of how many. */
function inWords({ site, about, event, value, valueText, measure, others, stranger }: Telling): string {
  const { language } = site;
  if (stranger !== null) return strangerIn(stranger, language);
  const { devices } = countOf(others.members);
  if (about.members.length > 0 && devices > 0) {
    const all = new Set(about.members.map((name) => name.split("/")[0])).size;
    const some = phrase(language, "ofAll", { some: String(devices), all: String(all) });
    const what = whatOf(about);
    return about.type === "group" ? `${some} ${what}` : `${what}, ${phrase(language, "lost", { some })}`;
  }
  if (about.type === "same") return factOf(site, about, others);
  const { rule, condition, level } = event;
  const slot = condition.slot;
  const said = sayOf(rule, about, language, { value, valueText, measure, limit: level.limit, slot });
  return about.members.length === 0 ? said : `${said} ${whatOf(about)}`;
}

/** Longer parts of an identity tell a reader at night no more. */
const partMax = 20;

function strangerIn({ part, told, expected }: Difference, language: Language): string {
  const short = (text: string): string => (text.length <= partMax ? text : `${text.slice(0, partMax - 1)}…`);
  const said = { part: phrase(language, part), told: short(told ?? ""), expected: short(expected) };
  return phrase(language, told === null ? "untoldPart" : "otherPart", said);
}

interface Facts {
  readonly value: number | null;
  readonly valueText: string | null;
  readonly measure: number | null;
  readonly limit: number;
  readonly slot: string;
}

function sayOf({ type, config }: Rule, about: About, language: Language, { value, ...facts }: Facts): string {
  const { unit } = about.point ?? {};
  const said = value === null ? "" : amount(value, unit, language);
  return type.say(config, { ...facts, value: said, unit: unitSign(unit ?? "1"), language });
}

/** The worst of many, where there is a quantity to compare them by. */
function worstOf({ language, about }: Site, { members, type, device }: About, others: Others): string {
  const [worst] = others.members;
  if (worst === undefined || members.length === 0 || type !== "group") return "";
  if (worst.value === null || !measured.includes(worst.rule.type)) return "";
  const place = about.get(worst.conditionKey)?.device;
  if (place === undefined) return "";
  const who = `${near(place, device, language)} ${amount(worst.value, worst.unit, language)}`;
  return phrase(language, "worst", { who });
}

/** Another incident in a few words: "CRAC-4 stopped". */
function named(site: Site, record: EventRecord): string {
  const about = site.about.get(record.conditionKey);
  const said = saidBy(site, record);
  if (about === undefined || said === null) return record.point.name;
  if (about.members.length > 0) return `${about.device.name}: ${whatOf(about)}`;
  return [deviceOf(site, record), whatOf(about), said].filter((part) => part !== "").join(" ");
}

/** What a record says is wrong; null: nobody knows its rule any more. */
function saidBy(site: Site, record: EventRecord): string | null {
  const { language, model, about: all } = site;
  const { conditionKey, value, valueText = null, measure = null, limit = 0 } = record;
  const about = all.get(conditionKey);
  const found = model.conditions.get(conditionKey);
  const rule = found && model.rules[found.index];
  const condition = found && rule?.conditions[found.place];
  if (about === undefined || rule === undefined || condition === undefined) return null;
  if (about.type === "same") return factOf(site, about, noOthers);
  return sayOf(rule, about, language, { value, valueText, measure, limit, slot: condition.slot });
}

const deviceOf = (site: Site, { conditionKey, point }: EventRecord): string =>
  site.about.get(conditionKey)?.device.name ?? point.device;

const whatOf = ({ say, point }: About): string => say.what ?? point?.name ?? "";

const amount = (value: number, unit = "1", language: Language): string =>
  `${number(value, language)} ${unitSign(unit)}`.trim();

/** The device and where it stands, for people. */
export function whereOf({ location, name }: Device, language: Language): string {
  const { room, row, rack } = location;
  const spot = rack !== undefined ? phrase(language, "rack", { rack }) : row && phrase(language, "row", { row });
  return [room, spot, name].filter((part) => part !== undefined).join(" ");
}

/** The same for whoever knows the room. */
function near(device: Device, { location: { room } }: Device, language: Language): string {
  const { room: own, ...spot } = device.location;
  return whereOf({ ...device, location: own === room ? spot : device.location }, language);
}
