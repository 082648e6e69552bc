import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { builtInClasses, builtInConfig, fromDisk, type Loaded, load } from "../../../agent/config/load.ts";
import type { Language } from "../../../agent/core/language.ts";
import { drivers } from "../../../drivers/index.ts";

/** Every class rule that comes with mepwatch, and a device on which each is used. */
export interface ClassRule {
  readonly use: string;
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>> & { readonly type: string; readonly unit?: string };
}

export const classFile = (name: string): string => readFileSync(join(builtInConfig(), `rules/${name}.yaml`), "utf8");

export const everyClassRule: readonly ClassRule[] = builtInClasses().flatMap((name) =>
  Object.entries(parse(classFile(name)) as Record<string, ClassRule["options"]>).map(([id, options]) => ({
    use: `${name}/${id}`,
    id: `${name}-${id}`,
    options,
  })),
);

const points: Readonly<Record<string, string>> = { Cel: "c", V: "v", A: "a", Hz: "hz", "%": "pc", s: "s", min: "min" };

/** What the user of a class rule has to say: which point, which values or bits, which reference. */
function user({ use, options: { type, unit = "" } }: ClassRule): object {
  const point = points[unit] ?? "x";
  const inputs = ["x", "y"].map((name) => ({ point: name, limit: 0.5 }));
  const own: Readonly<Record<string, object>> = {
    state: { point, normal: [0], alarm: [1] },
    bits: { type, point, bit: 1 },
    deviation: { point, ref: { point: "other" } },
    vote: use === "crac/redundancy-lost" ? { k: 2, inputs } : { inputs },
    expression: { inputs: { a: "x", b: "y" } },
    flatline: { point: points.Cel },
    comm: {},
  };
  return { use, ...(own[type] ?? { point }) };
}

const profile = `profile: box
describe: A box.
protocol: modbus
class: box
interval: 2s
points:
  x: { address: { table: holding, register: 0 } }
  y: { address: { table: holding, register: 1 } }
  other: { unit: Cel, address: { table: holding, register: 2 } }
${Object.entries(points)
  .map(([unit, own], i) => `  ${own}: { unit: "${unit}", address: { table: holding, register: ${i + 3} } }\n`)
  .join("")}`;

/** A site of one device with these class rules; `place`: more of the device, such as where it stands. */
export function siteUsing(rules: readonly ClassRule[], language: Language = "en", place: object = {}): Loaded {
  const bus = { protocol: "modbus", host: "127.0.0.1" };
  const its = Object.fromEntries(rules.map((rule) => [rule.id, user(rule)]));
  const site = {
    version: 1,
    site: { id: "s", language },
    devices: [{ id: "d", profile: "box", bus, rules: its, ...place }],
  };
  const files: Readonly<Record<string, string>> = { "site.yaml": stringify(site), "profiles/box.yaml": profile };
  const disk = fromDisk("/nowhere/site.yaml");
  const read = (name: string): string | null => files[name] ?? disk(name);
  return load("site.yaml", read, drivers, () => ({ problem: "none is needed" }));
}
