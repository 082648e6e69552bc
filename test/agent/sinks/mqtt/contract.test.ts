import asyncApi from "@asyncapi/specs/schemas/3.0.0.json" with { type: "json" };
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type MessageName, messages } from "../../../../agent/sinks/mqtt/contract.ts";
import { type Channel, channels } from "../../../../agent/sinks/mqtt/topics.ts";
import { contractFile, wrongWith } from "./contract.ts";

const names = Object.keys(messages) as MessageName[];
const example = (name: MessageName): object => JSON.parse(contractFile(`${name}.example.json`));

describe.each(names)("the message %s, as it is shipped", (name) => {
  const schema = JSON.parse(contractFile(`${name}.schema.json`));

  test("has an example that its JSON Schema, and the agent itself, find right", () => {
    expect(wrongWith(name, example(name))).toBe("");
    expect(messages[name].schema.safeParse(example(name)).error).toBeUndefined();
  });

  test("may get more fields in a minor version, which a consumer ignores; a command may not", () => {
    const isCommand = name.startsWith("command.");
    expect(wrongWith(name, { ...example(name), later: { more: 1 } }) === "").toBe(!isCommand);
    expect(JSON.stringify(schema).includes('"additionalProperties":false')).toBe(isCommand);
  });

  test.each(schema.required as string[])("is refused without %s, or with it as something else", (field) => {
    const { [field]: right, ...rest } = example(name) as Record<string, unknown>;
    const other = typeof right === "object" ? 5 : { of: "another kind" };
    expect(wrongWith(name, rest)).toContain(`'${field}'`);
    expect(wrongWith(name, { ...rest, [field]: other })).toContain(`/${field}`);
  });
});

describe("asyncapi.yaml", () => {
  const document = parse(contractFile("asyncapi.yaml"));

  test("is AsyncAPI 3.0.0, by the JSON Schema of those who make it", () => {
    // It brings the draft that it is written in along.
    const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false, meta: false });
    const check = ajv.compile(asyncApi);
    check(document);
    expect(check.errors ?? []).toEqual([]);
    expect(check({ ...document, channels: { event: { address: 1 } } })).toBe(false);
    expect(check({ ...document, asyncapi: "2.6.0" })).toBe(false);
  });

  test("refers to what is there: each channel and message, and files beside it", () => {
    const refs = [...contractFile("asyncapi.yaml").matchAll(/\$ref: "?([^\s"]+)/g)].map(([, ref]) => ref as string);
    expect(refs.length).toBeGreaterThan(names.length);
    for (const ref of refs) {
      const [, ...path] = ref.split("/");
      const found = ref.startsWith("#/")
        ? path.reduce((part, key) => part?.[key], document)
        : JSON.parse(contractFile(path.join("/")));
      expect(found, ref).toBeTypeOf("object");
    }
  });

  test.each(Object.entries(channels) as [string, Channel][])("tells of %s where it goes, and how", (name, one) => {
    const below = name === "state" ? "{prefix}/v1/" : "{prefix}/v1/{site}/{agent}/";
    expect(document.channels[name].address).toBe(`${below}${one.path}`);
    const operation = document.operations[`${one.from === "centre" ? "receive" : "send"}-${name}`];
    expect(operation.bindings.mqtt).toMatchObject({ qos: one.how.qos, retain: one.how.retain });
  });
});
