import * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { type RuleType, ruleOptions } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { busOptions, point, profile, site } from "./schema.ts";

/**
 * What an editor needs to complete and check the files that people write, made of the very schemas that check them:
 * what is open in those of the site (bus, address, rule) is filled with those of the drivers and rule types. An editor
 * sees less than the loader (not whether a point or a bus is there), but never complains of a file that loads.
 */
export type Json = { [key: string]: unknown };

export const siteJsonSchema = (drivers: readonly Driver[]): Json => {
  const root = jsonOf(site);
  const device = partOf(root, "devices", "items");
  const bus = { anyOf: drivers.map(busOf) };
  partsOf(root).buses = { ...partOf(root, "buses"), additionalProperties: bus };
  Object.assign(partsOf(device), {
    bus: { ...bus, anyOf: [{ type: "string" }, ...bus.anyOf], description: partOf(device, "bus").description },
    address: { ...partOf(device, "address"), anyOf: drivers.map((driver) => jsonOf(driver.device)) },
    points: { ...partOf(device, "points"), additionalProperties: changedPoint(drivers) },
    rules: {
      ...partOf(device, "rules"),
      additionalProperties: { anyOf: [{ type: "null" }, ...ruleTypes.map(changedRule)] },
    },
  });
  // Where the bus is written in place, the protocol is known, and with it what an address is.
  device.allOf = drivers.map((driver) =>
    when({ bus: { type: "object", ...whenProtocol(driver) } }, ["bus"], { address: jsonOf(driver.device) }),
  );
  return titled("mepwatch site", root);
};

export const profileJsonSchema = (drivers: readonly Driver[]): Json => {
  const root = jsonOf(profile);
  Object.assign(partsOf(root), {
    protocol: { ...partOf(root, "protocol"), enum: drivers.map(({ protocol }) => protocol) },
    rules: {
      ...partOf(root, "rules"),
      additionalProperties: { anyOf: [{ type: "null" }, ...ruleTypes.map(wholeRule)] },
    },
  });
  root.allOf = drivers.map((driver) => {
    const { properties, required } = whenProtocol(driver);
    const address = jsonOf(driver.address);
    return when(properties, required, { points: { additionalProperties: { properties: { address } } } });
  });
  return titled("mepwatch device profile", root);
};

const titled = (title: string, { $schema: _, ...root }: Json): Json => ({
  $schema: "http://json-schema.org/draft-07/schema#",
  $comment: "Made by `npm run generate`; do not edit.",
  title,
  ...root,
});

/** Draft 7, which editors know best; of what is read, not of what it becomes. */
function jsonOf(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, { io: "input", target: "draft-7", unrepresentable: "any" });
  const { $schema: _, ...rest } = structuredClone(json) as Json;
  return rest;
}

const partsOf = (json: Json): Json => json.properties as Json;

/** A property's schema, and what is inside of that. */
function partOf(json: Json, property: string, ...inner: string[]): Json {
  return inner.reduce((part, key) => part[key] as Json, partsOf(json)[property] as Json);
}

const when = (properties: Json, required: readonly string[], then: Json): Json => ({
  if: { properties, required },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { properties: then },
});

const whenProtocol = ({ protocol }: Driver) => ({
  properties: { protocol: { const: protocol } },
  required: ["protocol"],
});

const reference = {
  type: "string",
  pattern: "^\\$\\{(file|env|credential):[^}]+\\}$",
  description: "Where it is kept: ${file:/path}, ${env:NAME} or ${credential:name}.",
};

/** A bus of one protocol. Any text in it may be a reference; a secret must be one, or the word that is none. */
function busOf(driver: Driver): Json {
  const json = jsonOf(driver.bus);
  const common = jsonOf(z.strictObject(busOptions));
  const options = Object.entries(partsOf(json)).map(([key, option]) => [key, referable(option as Json)]);
  return {
    ...json,
    description: driver.describe,
    properties: {
      ...partsOf(common),
      protocol: { const: driver.protocol, description: partOf(common, "protocol").description },
      ...Object.fromEntries(options),
    },
    required: ["protocol", ...((json.required as string[] | undefined) ?? [])],
  };
}

function referable(option: Json): Json {
  if (option.type !== "string" || option.const !== undefined) return option;
  const { description, default: preset, ...rest } = option;
  const plain = option.writeOnly === true ? { const: "public" } : rest;
  return { description, ...(preset === undefined ? {} : { default: preset }), anyOf: [reference, plain] };
}

/** A rule of a profile: all that its type needs. */
function wholeRule(type: RuleType): Json {
  const json = jsonOf(z.strictObject({ ...ruleOptions, ...type.options }));
  const aboutDevice = type.type === "comm";
  const point = { type: "string", description: 'The point it is about; "*" for each point of the device.' };
  return {
    ...json,
    description: type.describe,
    properties: {
      type: { const: type.type, description: type.describe },
      ...(aboutDevice ? {} : { point }),
      ...partsOf(json),
    },
    required: ["type", ...(aboutDevice ? [] : ["point"]), ...((json.required as string[] | undefined) ?? [])],
  };
}

/** A rule that a site changes: what it does not say is the profile's. */
function changedRule(type: RuleType): Json {
  const { required: _, ...rest } = wholeRule(type);
  return rest;
}

function changedPoint(drivers: readonly Driver[]): Json {
  const { required: _, ...json } = jsonOf(point);
  const address = { ...partOf(json, "address"), anyOf: drivers.map((driver) => jsonOf(driver.address)) };
  return { ...json, properties: { ...partsOf(json), address } };
}
