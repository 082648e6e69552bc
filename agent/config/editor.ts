import * as z from "zod";
import type { Driver, Listening } from "../../drivers/driver.ts";
import { type RuleType, ruleOptions } from "../core/rule.ts";
import { useSchema } from "./class-rules.ts";
import { busOptions, profile, site, trapOptions } from "./schema.ts";

/**
 * JSON Schemas of the site and profile files, for editors: what resolve.ts checks step by step, put together from the
 * same sources. An editor offers a little more than a site allows (any driver's address with any profile), never less.
 */
type Json = Readonly<Record<string, unknown>>;

export function siteSchemaJson(drivers: readonly Driver[], ruleTypes: readonly RuleType[]): Json {
  const base = plain(site);
  const device = itemsOf(base, "devices");
  const buses = anyOf(drivers.map(busJson));
  const rules = { ...anyOf([...ruleTypes.map((type) => partial(ruleJson(type))), { type: "null" }]) };
  const point = partial(withAddress(valuesOf(plain(profile), "points"), drivers));
  return document("Site of mepwatch: what is watched, and where.", {
    ...base,
    properties: {
      ...properties(base),
      buses: { ...property(base, "buses"), additionalProperties: buses },
      ...Object.fromEntries(
        drivers.flatMap(({ listening }) => (listening ? [[listening.section, sectionJson(listening, base)]] : [])),
      ),
      devices: {
        ...property(base, "devices"),
        items: {
          ...device,
          properties: {
            ...properties(device),
            bus: anyOf([{ type: "string", description: "Name of a bus." }, ...drivers.map(busJson)]),
            address: anyOf(drivers.map((driver) => plain(driver.device))),
            points: { ...property(device, "points"), additionalProperties: point },
            rules: { ...property(device, "rules"), additionalProperties: rules },
          },
        },
      },
    },
  });
}

export function profileSchemaJson(drivers: readonly Driver[], ruleTypes: readonly RuleType[]): Json {
  const base = plain(profile);
  // Each table has rules of its own: written out, the file would be twice as large.
  const rules = { ...property(base, "rules"), additionalProperties: { $ref: "#/$defs/rule" } };
  const variants = drivers.map((driver) => ({
    ...base,
    properties: {
      ...properties(base),
      protocol: { const: driver.protocol, description: driver.describe },
      ...pointsAndRules(base, driver, rules),
      identity: withParts(property(base, "identity"), driver),
      traps: { ...property(base, "traps"), additionalProperties: trapJson(driver) },
      tables: {
        ...property(base, "tables"),
        additionalProperties: {
          ...valuesOf(base, "tables"),
          properties: {
            ...properties(valuesOf(base, "tables")),
            ...pointsAndRules(valuesOf(base, "tables"), driver, rules),
          },
        },
      },
    },
  }));
  return document("Profile of mepwatch: what a kind of device can tell, and what is wrong with it.", {
    ...anyOf(variants),
    $defs: { rule: anyOf(ruleTypes.map((type) => orBased(ruleJson(type)))) },
  });
}

const pointsAndRules = (base: Json, driver: Driver, rules: Json): Json => ({
  points: { ...property(base, "points"), additionalProperties: withAddress(valuesOf(base, "points"), [driver]) },
  rules: { ...rules, description: property(base, "rules").description },
});

const document = (title: string, schema: Json): Json => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title,
  ...schema,
});

/** As people write it, before any transformation. */
function plain(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" });
  return json;
}

function busJson(driver: Driver): Json {
  const own = plain(driver.bus);
  const common = plain(z.strictObject(busOptions));
  return {
    ...own,
    properties: {
      ...properties(common),
      protocol: { const: driver.protocol, description: driver.describe },
      ...Object.fromEntries(Object.entries(properties(own)).map(([name, option]) => [name, referable(option)])),
    },
    required: ["protocol", ...required(own)],
  };
}

/** How what devices say unasked is heard. */
const sectionJson = ({ section, options }: Listening, base: Json): Json => ({
  ...referable(plain(options)),
  description: property(base, section).description,
});

/** What of a profile is said of one trap. */
function trapJson({ listening }: Driver): Json {
  if (listening === undefined) return { not: {} };
  const own = plain(listening.trap);
  const common = plain(z.strictObject(trapOptions));
  return {
    ...own,
    properties: { ...properties(own), ...properties(common) },
    required: [...required(own), ...required(common)],
  };
}

const reference: Json = {
  type: "string",
  pattern: "^\\$\\{(file|env|credential):[^}]+\\}$",
  description: "Where it is kept: ${file:/path}, ${env:NAME} or ${credential:name}.",
};

/** Any text of a bus may be a reference; a secret must be one, or the word that is none. */
function referable(option: Json): Json {
  if (option.type === "array") return { ...option, items: referable((option.items ?? {}) as Json) };
  if (option.type === "object") {
    const inner = Object.entries(properties(option)).map(([name, one]) => [name, referable(one)]);
    return { ...option, properties: Object.fromEntries(inner) };
  }
  if (option.type !== "string" || option.const !== undefined) return option;
  const { description, default: preset, ...rest } = option;
  const direct = option.writeOnly === true ? { const: "public" } : rest;
  return { description, ...(preset === undefined ? {} : { default: preset }), anyOf: [reference, direct] };
}

function ruleJson(type: RuleType): Json {
  const own = plain(z.strictObject({ ...ruleOptions, ...type.options }));
  const point = { type: "string", description: 'The point it is about; "*": each point of the device.' };
  return {
    ...own,
    properties: {
      type: { const: type.type, description: type.describe },
      use: plain(useSchema),
      ...(type.about === undefined ? { point } : {}),
      ...properties(own),
    },
    required: ["type", ...required(own)],
  };
}

/** What a rule must say, the class rule that it uses says for it. */
const orBased = ({ required: all, ...rule }: Json): Json => ({
  ...rule,
  anyOf: [{ required: ["use"] }, { required: all }],
});

const withAddress = (point: Json, drivers: readonly Driver[]): Json => ({
  ...point,
  properties: { ...properties(point), address: anyOf(drivers.map((driver) => plain(driver.address))) },
});

const withParts = (identity: Json, { part }: Driver): Json => ({
  ...identity,
  properties: Object.fromEntries(
    Object.entries(properties(identity)).map(([name, { description }]) => [
      name,
      { ...(part === undefined ? { not: {} } : plain(part)), description },
    ]),
  ),
});

/** For what a site changes of a profile: it gives some of the options only. */
const partial = ({ required: _, ...json }: Json): Json => json;

const anyOf = (schemas: readonly Json[]): Json => (schemas.length === 1 ? (schemas[0] ?? {}) : { anyOf: schemas });
const properties = (json: Json): Record<string, Json> => (json.properties ?? {}) as Record<string, Json>;
const property = (json: Json, name: string): Json => properties(json)[name] ?? {};
const required = (json: Json): readonly string[] => (json.required ?? []) as string[];
const valuesOf = (json: Json, name: string): Json => (property(json, name).additionalProperties ?? {}) as Json;
const itemsOf = (json: Json, name: string): Json => (property(json, name).items ?? {}) as Json;
