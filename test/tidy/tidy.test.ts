import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The house rules, as a test; each message names the remedy. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const layers = [
  ["agent/core/"],
  ["agent/env.ts", "agent/events.ts", "agent/secret.ts", "agent/version.ts"],
  ["drivers/"],
  ["agent/store/"],
  ["agent/sinks/"],
  ["agent/centre/"],
  ["agent/config/"],
  ["agent/pipeline/"],
  ["agent/simulate/"],
  ["agent/api/", "agent/web/"],
  ["agent/cli/"],
  ["agent/main.ts"],
];
const bans: readonly { word: RegExp; instead: string; allowed?: RegExp }[] = [
  {
    word: /\b(Date\.now|performance\.now|process\.hrtime)\b|\bnew Date\(\)/,
    instead: "env.clock",
    allowed: /^agent\/env\.ts$/,
  },
  { word: /\b(setTimeout|setInterval|setImmediate)\(/, instead: "env.after", allowed: /^agent\/env\.ts$/ },
  { word: /\b(Math\.random|randomUUID|randomBytes)\b/, instead: "env.random, env.uuid", allowed: /^agent\/env\.ts$/ },
  { word: /\bprocess\.env\b/, instead: "the environment that main.ts hands in", allowed: /^agent\/(env|main)\.ts$/ },
  { word: /\bfrom "better-sqlite3"/, instead: "agent/store", allowed: /^agent\/store\// },
  { word: /\bfrom "mqtt"/, instead: "agent/sinks/mqtt", allowed: /^agent\/(sinks\/mqtt|centre|simulate|cli)\// },
  { word: /\b(TODO|FIXME)\b/, instead: "an issue" },
  { word: /\/\/.*\b(previously|no longer used|used to be)\b/, instead: "what holds now; history is in git" },
];
const linesMax = 400;
const dustbins = /(^|\/)(utils?|helpers?|common|types|misc)\.ts$/;

const files = ["agent", "drivers"].flatMap((folder) =>
  readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file}`),
);
const sources = files.map((file) => ({ file, text: readFileSync(posix.join(root, file), "utf8") }));
const layerOf = (file: string): number => layers.findIndex((prefixes) => prefixes.some((one) => file.startsWith(one)));

function importsOf(text: string): string[] {
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm)].map(([, path]) => path ?? "");
}

const imports = sources.flatMap(({ file, text }) =>
  importsOf(text)
    .filter((path) => path.startsWith("."))
    .map((path) => ({ file, to: posix.join(posix.dirname(file), path) })),
);

test("every source file has a layer", () => {
  expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
});

test("imports point down", () => {
  const wrong = imports
    .filter(({ file, to }) => layerOf(to) > layerOf(file))
    .map(({ file, to }) => `${file} imports ${to}: move what it needs down, or itself up`);
  expect(wrong).toEqual([]);
});

test("drivers do not know each other", () => {
  const family = (file: string): string | undefined => /^drivers\/([^/]+)\//.exec(file)?.[1];
  const wrong = imports
    .filter(({ file, to }) => family(file) && family(to) && family(file) !== family(to))
    .map(({ file, to }) => `${file} imports ${to}: what both need belongs beside drivers/driver.ts`);
  expect(wrong).toEqual([]);
});

test("the core is pure", () => {
  const allowed = new Set(["zod", "@marcbachmann/cel-js"]);
  const wrong = sources
    .filter(({ file }) => file.startsWith("agent/core/"))
    .flatMap(({ file, text }) =>
      importsOf(text)
        .filter((path) => !path.startsWith(".") && !allowed.has(path))
        .map((path) => `${file} imports ${path}: I/O belongs to the shell, hand its result in`),
    );
  expect(wrong).toEqual([]);
});

test("nothing banned is used", () => {
  const wrong = sources.flatMap(({ file, text }) =>
    text
      .split("\n")
      .flatMap((line, i) =>
        bans
          .filter(({ word, allowed }) => word.test(line) && !allowed?.test(file))
          .map(({ word, instead }) => `${file}:${i + 1}: ${word.source} is banned, use ${instead}`),
      ),
  );
  expect(wrong).toEqual([]);
});

test("files stay readable and say what they are", () => {
  const wrong = sources.flatMap(({ file, text }) => [
    ...(text.split("\n").length > linesMax ? [`${file}: over ${linesMax} lines; split it by topic`] : []),
    ...(dustbins.test(file) ? [`${file}: name it by what is in it`] : []),
  ]);
  expect(wrong).toEqual([]);
});

test("dependencies are those that ARCHITECTURE.md gives a reason for", () => {
  const { dependencies } = JSON.parse(readFileSync(posix.join(root, "package.json"), "utf8"));
  const text = readFileSync(posix.join(root, "ARCHITECTURE.md"), "utf8");
  expect(Object.keys(dependencies).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});
