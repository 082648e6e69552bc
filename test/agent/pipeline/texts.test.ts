import { describe, expect, test } from "vitest";
import { builtInProfiles, fromDisk, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import type { Event } from "../../../agent/core/engine.ts";
import { inLanguage, type Language, languages, type Wording } from "../../../agent/core/language.ts";
import type { Keyed, Rule } from "../../../agent/core/model.ts";
import type { Level } from "../../../agent/core/rule.ts";
import { recordOf } from "../../../agent/pipeline/record.ts";
import { drivers } from "../../../drivers/index.ts";
import { everyClassRule, siteUsing } from "../config/every-class-rule.ts";

/** What a technician reads of every rule that comes with mepwatch, in a place whose names are as long as they get. */
const buses: Readonly<Record<string, string>> = {
  snmp: "{ protocol: snmp, host: 127.0.0.1 }, address: {}",
  modbus: "{ protocol: modbus, host: 127.0.0.1 }, address: {}",
  bacnet: "{ protocol: bacnet, host: 127.0.0.1 }, address: { instance: 1 }",
};
const place = { en: "Hall 12 rack AB42 PDU-42-L", de: "Hall 12 Rack AB42 PDU-42-L" };

function siteWith(profile: string, language: Language): Site {
  const disk = fromDisk("/nowhere/site.yaml");
  const protocol = /^protocol: (\w+)$/m.exec(disk(`profiles/${profile}.yaml`) ?? "")?.[1] ?? "";
  const text = `
version: 1
site: { id: s, language: ${language} }
devices:
  - { id: d, name: PDU-42-L, profile: ${profile}, bus: ${buses[protocol]}, location: { room: Hall 12, rack: AB42 } }
`;
  const read = (name: string) => (name === "site.yaml" ? text : disk(name));
  const { site, problems } = load("site.yaml", read, drivers, () => ({ problem: "none is needed" }));
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

const classRules = (language: Language): Site =>
  siteUsing(everyClassRule, language, { name: "PDU-42-L", location: { room: "Hall 12", rack: "AB42" } }).site!;

interface Case {
  readonly rule: Rule;
  readonly condition: Keyed;
  readonly level: Level;
  readonly value: number;
}

/** Every level of every condition, for states every value that is an alarm, at about the limit. */
const casesOf = (site: Site): Case[] =>
  site.model.rules.flatMap((rule) =>
    rule.conditions.flatMap((condition) =>
      condition.levels.flatMap((level) => {
        const about = site.about.get(condition.key)!;
        if (about.device.id !== "d") return [];
        const { alarm = [], map = {} } = about.options as { alarm?: number[]; map?: Record<string, string> };
        const values = about.type === "state" ? [...alarm, ...Object.keys(map).map(Number)] : [level.limit];
        return values.map((value) => ({ rule, condition, level, value }));
      }),
    ),
  );

const since = { at: 0, wall: Date.UTC(2026, 0, 1, 3, 2) };

function textOf(site: Site, { rule, condition, level, value }: Case, kind: "raise" | "clear"): string {
  const now = { at: 900_000, wall: since.wall + 900_000 };
  const sample = { point: "d/x", ...now, quality: "good" as const, value };
  const measure = { slot: condition.slot, lo: level.limit, hi: level.limit };
  const active = kind === "raise";
  const standing = {
    open: active,
    active,
    acked: null,
    latched: false,
    shelf: null,
    maintenance: null,
    outOfService: null,
    caused: false,
    flapping: false,
    causes: [],
  };
  const told = { occurrence: 1, rev: 1, reason: null, onset: since, raised: since, cleared: active ? null : now };
  const event: Event = { kind, ...told, ...standing, annunciate: true, rule, condition, level, now, measure, sample };
  const clock = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
  return recordOf({ site, epoch: "e", bootId: "b", clock }, event, 1).text;
}

const sites = languages.flatMap((language) => [
  ...builtInProfiles().map((profile) => [language, profile, siteWith(profile, language)] as const),
  [language, "class rules", classRules(language)] as const,
]);

const grave: ReadonlySet<string> = new Set(["high", "critical"]);
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What stands in each text, by language. */
const said = {
  en: {
    since: "since 03:02",
    limit: "limit",
    otherwise: "Else",
    over: /^Hall 12 rack AB42 PDU-42-L .*back to normal.* after 15 min\.$/,
  },
  de: {
    since: "seit 03:02",
    limit: "Grenze",
    otherwise: "Sonst",
    over: /^Hall 12 Rack AB42 PDU-42-L .*wieder normal.* nach 15 min\.$/,
  },
};

describe.each(sites)("%s: %s", (language, _name, site) => {
  const { since: sinceWhen, limit, over, otherwise } = said[language];
  const cases = casesOf(site);

  test("has rules, and a text for each", () => {
    expect(cases.length).toBeGreaterThan(3);
  });

  test.each(cases.map((one) => [`${one.condition.key} ${one.level.name} ${one.value}`, one] as const))(
    "%s",
    (_, one) => {
      const about = site.about.get(one.condition.key)!;
      const text = textOf(site, one, "raise");
      expect(text.length).toBeLessThanOrEqual(140);
      expect(text).not.toMatch(/undefined|NaN|null| {2}|\.\.|…/);
      expect(text.startsWith(`${place[language]} `)).toBe(true);
      expect(text).toContain(sinceWhen);
      // The first action is there, and whole; of what is grave, what happens if nobody comes follows where there is room.
      const { action, consequence = "" } = about.say;
      const risk = grave.has(one.level.severity) && consequence !== "" ? ` ${otherwise}: ${consequence}.` : "";
      expect(text).toMatch(new RegExp(`\\. ${escaped(String(action))}\\.(${escaped(risk)})?$`));
      if (risk !== "" && !text.endsWith(risk)) expect(`${text}${risk}`.length).toBeGreaterThan(140);
      if (about.type === "level") {
        const written = language === "de" ? `${one.level.limit}`.replace(".", ",") : one.level.limit;
        expect(text).toContain(`(${limit} ${written})`);
      }
      if (about.type === "state" || about.type === "bits") {
        const { name = "", bits } = about.options as { name?: Wording; bits?: Record<string, { name?: Wording }> };
        const its = bits?.[one.condition.slot]?.name ?? about.point!.texts[String(one.value)] ?? name;
        expect(text).toContain(` ${inLanguage(its, language)} ${sinceWhen}`);
      }
      // The likely cause gives way only where there is no room for it.
      const { cause } = about.say;
      const roomy = cause !== undefined && text.length + cause.length + "; ".length <= 140;
      if (cause !== undefined && roomy) expect(text).toContain(`; ${cause}.`);
    },
  );

  test.each(cases.map((one) => [one.condition.key, one] as const))("%s is over", (_, one) => {
    const text = textOf(site, one, "clear");
    expect(text.length).toBeLessThanOrEqual(140);
    expect(text).toMatch(over);
  });
});
