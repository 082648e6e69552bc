import * as z from "zod";
import { examples } from "./examples.ts";
import { lifetimes } from "./link.ts";
import {
  birthMessage,
  contentType,
  contractVersion,
  deathMessage,
  eventMessage,
  gapMessage,
  heartbeatMessage,
} from "./messages.ts";
import { blindMessage, silencesMessage } from "./quiet.ts";
import { type Channel, channels } from "./topics.ts";

/**
 * What is shipped to whoever builds a centre, made from the very schemas and channels that the agent speaks by: a JSON
 * Schema and a golden example of each message, and AsyncAPI that says where each goes.
 */
type Json = Readonly<Record<string, unknown>>;

interface Told {
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly contentType: string;
}

const plain = "application/json";

/** Every message, by the name of its files. */
export const messages = {
  birth: { summary: "The agent is there, and this is where it stands.", schema: birthMessage, contentType: plain },
  death: { summary: "The agent has stopped, or is lost; also the Will.", schema: deathMessage, contentType: plain },
  event: {
    summary: "An incident was raised, updated, cleared … (CloudEvents 1.0).",
    schema: eventMessage,
    contentType,
  },
  gap: { summary: "Some events will never come (CloudEvents 1.0).", schema: gapMessage, contentType },
  heartbeat: { summary: "The agent is alive, and this is how it does.", schema: heartbeatMessage, contentType: plain },
  silences: { summary: "All that people have silenced, and until when.", schema: silencesMessage, contentType: plain },
  blind: { summary: "The points that the agent cannot see, and since when.", schema: blindMessage, contentType: plain },
} as const satisfies Readonly<Record<keyof typeof examples, Told>>;
export type MessageName = keyof typeof messages;

/** What is said on each channel. */
const said: Readonly<Record<keyof typeof channels, { readonly what: string; readonly by: readonly MessageName[] }>> = {
  status: { what: "Birth and death. A death with an older bdSeq than the birth's is void.", by: ["birth", "death"] },
  event: {
    what: "Every event of every incident, in the order of `sequence`; twice in doubt; 16 KiB at most.",
    by: ["event", "gap"],
  },
  active: {
    what: "The newest event of one open incident; an empty message deletes it when that is over. h: the first 32 hex digits of the SHA-256 of the condition key.",
    by: ["event"],
  },
  silences: { what: "On connect, and when it has changed, at most once a second; 128 KiB at most.", by: ["silences"] },
  blind: { what: "On connect, and when it has changed, at most once a second; 128 KiB at most.", by: ["blind"] },
  heartbeat: { what: "Each 30 s, unless set otherwise.", by: ["heartbeat"] },
};

const schemaFile = (name: string): string => `${name}.schema.json`;

/** Draft 07, which AsyncAPI takes as it is. A minor version only adds: what a consumer does not know, it ignores. */
export function schemaJson(name: MessageName): Json {
  const { $schema, ...schema } = z.toJSONSchema(messages[name].schema, {
    target: "draft-7",
    reused: "inline",
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return { $schema, $id: `urn:mepwatch:${name}:${contractVersion}`, title: messages[name].summary, ...schema };
}

export const asyncApi = (): Json => ({
  asyncapi: "3.0.0",
  info: {
    title: "mepwatch",
    version: contractVersion,
    description:
      "What an agent says to the centre. Order holds within a channel only: seq and rev decide. What a consumer does not know, it ignores.",
  },
  defaultContentType: plain,
  servers: {
    broker: {
      host: "broker.example.com:8883",
      protocol: "secure-mqtt",
      protocolVersion: "5",
      description: "MQTT 5, or 3.1.1 where the broker speaks no other; nothing in a payload depends on it.",
      bindings: { mqtt: connection },
    },
  },
  channels: Object.fromEntries(Object.keys(channels).map((name) => [name, channelJson(name as keyof typeof said)])),
  operations: Object.fromEntries(Object.entries(channels).map(([name, one]) => [`send-${name}`, sendJson(name, one)])),
  components: {
    messages: Object.fromEntries(names.map((name) => [name, messageJson(name)])),
  },
});

const connection = {
  clientId: "mepwatch-SITE-AGENT",
  cleanSession: false,
  keepAlive: lifetimes.keepAlive,
  sessionExpiryInterval: lifetimes.session,
  lastWill: { topic: "mepwatch/v1/SITE/AGENT/status", ...channels.status.how, message: "death, reason lwt" },
  bindingVersion: "0.2.0",
};

const level = { description: "1 to 64 letters, digits, _ or -." };

function channelJson(name: keyof typeof said): Json {
  const { what, by } = said[name];
  const parameters = { prefix: { ...level, default: "mepwatch" }, site: level, agent: level };
  return {
    address: `{prefix}/v1/{site}/{agent}/${channels[name].path}`,
    description: what,
    parameters: name === "active" ? { ...parameters, h: { description: "32 hex digits." } } : parameters,
    messages: Object.fromEntries(by.map((one) => [one, { $ref: `#/components/messages/${one}` }])),
  };
}

function sendJson(name: string, { how: { expiry, ...how } }: Channel): Json {
  const more = expiry === undefined ? {} : { messageExpiryInterval: expiry };
  return {
    action: "send",
    channel: { $ref: `#/channels/${name}` },
    bindings: { mqtt: { ...how, ...more, bindingVersion: "0.2.0" } },
  };
}

function messageJson(name: MessageName): Json {
  const { summary, contentType: type } = messages[name];
  const utf8 = type === plain ? {} : { bindings: { mqtt: { payloadFormatIndicator: 1, bindingVersion: "0.2.0" } } };
  return {
    ...{ name, summary, contentType: type },
    payload: { $ref: `./${schemaFile(name)}` },
    ...utf8,
    examples: [{ name, payload: examples[name] }],
  };
}

const names = Object.keys(messages) as MessageName[];

/** Every file of the contract, by its name. */
export const contractFiles: Readonly<Record<string, () => Json>> = {
  "asyncapi.yaml": asyncApi,
  ...Object.fromEntries(names.map((name) => [schemaFile(name), () => schemaJson(name)])),
  ...Object.fromEntries(names.map((name) => [`${name}.example.json`, () => examples[name]])),
};
