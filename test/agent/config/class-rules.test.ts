import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isMap, isScalar, type Pair, parseDocument } from "yaml";
import { builtInClasses, fromDisk, fromFiles, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import { drivers } from "../../../drivers/index.ts";
import { classFile, everyClassRule, siteUsing } from "./every-class-rule.ts";
import { change, communities, files, linesOf, loadWith, meter, site } from "./hall.ts";

describe("each class rule that comes with mepwatch", () => {
  test.each(everyClassRule)("$use compiles for a user that says what only it knows", (rule) => {
    const loaded = siteUsing([rule]);
    expect(linesOf(loaded)).toEqual([]);
    expect([...loaded.site!.about.values()].filter(({ device }) => device.id === "d").length).toBeGreaterThan(0);
  });

  test.each(everyClassRule.filter(({ options: { type } }) => type === "state"))("$use, as a bit of a word", (rule) => {
    const loaded = siteUsing([{ ...rule, options: { ...rule.options, type: "bits" } }]);
    expect(linesOf(loaded)).toEqual([]);
    const [about] = [...loaded.site!.about].filter(([key]) => key.startsWith("s/d/"));
    expect(about![0]).toBe(`s/d/x/${rule.id}#1`);
    expect(about![1].options).toMatchObject({ severity: rule.options.severity, name: rule.options.name });
  });

  const comments = new Map(
    builtInClasses().flatMap((name) => {
      const { contents } = parseDocument(classFile(name));
      if (!isMap(contents)) return [];
      return contents.items.map((item: Pair, i): [string, string] => {
        const before = isScalar(item.key) ? item.key.commentBefore : "";
        return [`${name}/${item.key}`, before ?? (i === 0 ? contents.commentBefore : "") ?? ""];
      });
    }),
  );
  const sources = /\bours\b|ASHRAE TC 9\.9, 2021|NEC 210\.20\(A\)|RFC 1628|EN 50160|C&D|APC|Liebert/i;
  test.each(everyClassRule)("$use says where its figures are from", ({ use }) => {
    expect(comments.get(use)).toMatch(sources);
  });

  const grave = everyClassRule.filter(({ options }) => /"(high|critical)"/.test(JSON.stringify(options)));
  test.each(grave)("$use says what to do, and what follows if nobody does", ({ options }) => {
    const { action, consequence } = options.say as Readonly<Record<string, unknown>>;
    expect([action, consequence]).not.toContain(undefined);
  });

  test("says at least what to do", () => {
    const mute = everyClassRule.filter(({ options }) => !(options.say as { action?: string } | undefined)?.action);
    expect(mute.map(({ use }) => use)).toEqual([]);
  });

  test.each(everyClassRule)("$use says it in every language", ({ options: { say = {}, name = "" } }) => {
    const inOne = [name, ...Object.values(say as object)].filter((words) => typeof words === "string");
    expect(inOne.filter((words) => words !== "")).toEqual([]);
  });

  test("a device is lost after 3 failures and 2 minutes, whatever it is", () => {
    const comms = everyClassRule.filter(({ options: { type } }) => type === "comm");
    expect(comms.map(({ use }) => use)).toContain("device/comm");
    for (const { options } of comms) expect(options).toMatchObject({ failures: 3, onDelay: "2m" });
  });
});

const ours = `
# Ours
high:
  type: level
  levels: [{ limit: 70, severity: low }, { limit: 75, severity: high }]
  onDelay: 10s
  offDelay: 20s
  say: { action: Look }
wet: { type: state, severity: high, name: wet }
`;
const using = change(
  meter,
  "type: level\n    point: power\n    levels:\n      - { limit: 80, severity: low }\n      - { limit: 90, severity: high }\n",
  "use: hall/high\n    point: power\n    onDelay: 1m\n    offDelay: 2m\n",
);
const own = { "profiles/meter/test.yaml": using, "rules/hall.yaml": ours };

function good(changed: Readonly<Record<string, string>> = {}): Site {
  const loaded = loadWith({ ...own, ...changed });
  expect(linesOf(loaded)).toEqual([]);
  return loaded.site!;
}
const conditionOf = (loaded: Site, key: string) =>
  loaded.model.rules.flatMap(({ conditions }) => conditions).find((one) => one.key === `hall/meter-1/${key}`)!;

describe("a rule that uses one", () => {
  test("says over it what it says itself, and the site says over both", () => {
    const { levels } = conditionOf(good(), "power/high");
    expect(levels.map(({ limit, onDelayMs, offDelayMs }) => [limit, onDelayMs, offDelayMs])).toEqual([
      [70, 5000, 120_000], // limits of the class rule, onDelay of the site, offDelay of the profile
      [75, 5000, 120_000],
    ]);
    expect(good().about.get("hall/meter-1/power/high")).toMatchObject({ type: "level", say: { action: "Look" } });
  });

  test("may be the site's own, of the kind that the class rule is, or the bit it is to this device", () => {
    const rules = `also: { use: hall/high, point: power }
      wet: { use: hall/wet, point: door, normal: [0], alarm: [1] }
      wet-too: { use: hall/wet, type: bits, point: door, bit: 3 }
      comm: null`;
    const loaded = good({ "site.yaml": change(site, "comm: null", rules) });
    expect(conditionOf(loaded, "power/also").levels.map(({ onDelayMs }) => onDelayMs)).toEqual([10_000, 10_000]);
    expect(conditionOf(loaded, "door/wet").levels.map(({ severity }) => severity)).toEqual(["high"]);
    expect(conditionOf(loaded, "door/wet-too#3").levels.map(({ severity }) => severity)).toEqual(["high"]);
  });

  test("may be based on another one by the site", () => {
    const more = `${ours}higher: { type: level, levels: [{ limit: 99, severity: high }] }\n`;
    const text = change(site, "{ onDelay: 5s }", "{ use: hall/higher }");
    const { levels } = conditionOf(good({ "site.yaml": text, "rules/hall.yaml": more }), "power/high");
    expect(levels.map(({ limit, onDelayMs }) => [limit, onDelayMs])).toEqual([[99, 60_000]]);
  });
});

describe("files of class rules", () => {
  test("belong to those a site is made from: another one is another configuration, and they are enough to load it", () => {
    const loaded = loadWith(own);
    expect(Object.keys(loaded.files).toSorted()).toEqual([...Object.keys(files), "rules/hall.yaml"].toSorted());
    const again = load("last accepted", fromFiles(loaded.files), drivers, communities);
    expect(again.site?.configHash).toBe(loaded.site?.configHash);
    expect(good({ "rules/hall.yaml": `${ours}# checked\n` }).configHash).not.toBe(loaded.site?.configHash);
  });

  const folder = mkdtempSync(join(tmpdir(), "mepwatch-class-rules-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("beside the site file go before those built in", () => {
    mkdirSync(join(folder, "rules"));
    writeFileSync(join(folder, "rules", "ups.yaml"), ours);
    writeFileSync(join(folder, "rules", "hall.yaml"), ours);
    const read = fromDisk(join(folder, "site.yaml"));
    expect(read("rules/ups.yaml")).toBe(ours);
    expect(read("rules/rack.yaml")).toBe(classFile("rack"));
    expect(read("rules/none.yaml")).toBeNull();
    expect(read.classes?.().toSorted()).toEqual(["hall", "ups", ...builtInClasses()].toSorted());
  });

  test("are not read where none is used", () => {
    expect(Object.keys(loadWith({ "rules/hall.yaml": "[" }).files)).not.toContain("rules/hall.yaml");
  });
});

/** As in mistakes.ts: what is written in a file of class rules instead of `ours`, and each line that is told. */
const inClass: readonly (readonly [name: string, text: string, lines: readonly string[]])[] = [
  [
    "a mistyped option, told there and once, however many rules use it",
    change(ours, "onDelay: 10s", "onDealy: 10s"),
    ['rules/hall.yaml:6:3: high.onDealy: unknown option "onDealy". Did you mean "onDelay"?'],
  ],
  [
    "a wrong value in a rule that nobody uses",
    change(ours, "severity: high, name", "severity: hgih, name"),
    ['rules/hall.yaml:9:21: wet.severity: expected one of info, low, medium, high, critical. Did you mean "high"?'],
  ],
  [
    "levels in the wrong order",
    change(ours, "limit: 75", "limit: 65"),
    [
      "rules/hall.yaml:5:3: high.levels: limit of high must lie beyond that of low on the high side; expected a higher one",
    ],
  ],
  [
    "levels in the wrong order, of a rate",
    change(ours, "type: level\n  levels: [{ limit: 70", "type: roc\n  window: 5m\n  levels: [{ limit: 80"),
    [
      "rules/hall.yaml:6:3: high.levels: limit of high must lie beyond that of low on the high side; expected a higher one",
    ],
  ],
  [
    "a rule of no type",
    change(ours, "  type: level\n", ""),
    [
      "rules/hall.yaml:3:1: high.type: missing; expected one of level, roc, excursion, deviation, ttl, flatline, state, bits, vote, expression, group, stale, comm, identity.",
    ],
  ],
  [
    "a use of another one",
    change(ours, "type: level", "use: rack/inlet-hot"),
    ["rules/hall.yaml:4:3: high.use: a class rule uses no other one; expected a type and options"],
  ],
  [
    "a point",
    change(ours, "type: level", "point: power\n  type: level"),
    ["rules/hall.yaml:4:3: high.point: a class rule is about no point yet; expected it where the rule is used"],
  ],
  [
    "no options",
    change(ours, "{ type: state, severity: high, name: wet }", "5"),
    ["rules/hall.yaml:9:1: wet: expected options, as  name: value, not a number"],
  ],
  ["no rules", "hello", ["rules/hall.yaml:1:1: expected options, as  name: value, not a text"]],
  ["nothing", "", ["rules/hall.yaml: the file is empty; expected YAML as in config/example-site.yaml"]],
  [
    "no YAML",
    "high: [",
    [
      "rules/hall.yaml:1:8: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; expected YAML as in config/example-site.yaml",
    ],
  ],
];

test.each(inClass)("in a file of class rules: %s", (_name, text, lines) => {
  const twice = `${site}  - { id: meter-2, profile: meter/test, bus: gateway, rules: { wet: { use: hall/wet, point: door, normal: [0], alarm: [1] } } }\n`;
  expect(linesOf(loadWith({ ...own, "site.yaml": twice, "rules/hall.yaml": text }))).toEqual(lines);
});

test("a file of class rules that is not there, or cannot be read, is told where it is used", () => {
  const at = "profiles/meter/test.yaml:10:5: rules.high.use:";
  expect(linesOf(loadWith({ "profiles/meter/test.yaml": using }))).toEqual([
    `${at} no class rules "hall"; expected a file rules/hall.yaml beside the site file, or one of those built in.`,
  ]);
  const broken = (name: string): string | null => {
    if (name.startsWith("rules/")) throw Object.assign(new Error(), { code: "EACCES" });
    return { ...files, ...own }[name] ?? null;
  };
  expect(linesOf(load("site.yaml", broken, drivers, communities))).toEqual([
    `${at} rules/hall.yaml: cannot be read (EACCES); expected a file in YAML that this user may read`,
  ]);
});
