import * as z from "zod";
import { ackMessage, type CommandName, commandNames, commandSchemas, resultMessage, stateMessage } from "./commands.ts";
import { examples } from "./examples.ts";
import { lifetimes } from "./link.ts";
import {
  birthMessage,
  contentType,
  contractVersion,
  deathMessage,
  diagMessage,
  eventMessage,
  gapMessage,
  heartbeatMessage,
} from "./messages.ts";
import { blindMessage, silencesMessage } from "./quiet.ts";
import { telemetryMessage } from "./telemetry.ts";
import { addressOf, type Channel, channels } from "./topics.ts";

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

const commandFile = <N extends CommandName>(name: N) => `command.${name}` as const;
/** Of each, by the name of its files. */
const commands = Object.fromEntries(
  commandNames.map((name): [string, Told] => [
    commandFile(name),
    { summary: `Has the agent do: ${name}.`, schema: commandSchemas[name], contentType: plain },
  ]),
) as Readonly<Record<ReturnType<typeof commandFile<CommandName>>, Told>>;

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
  diag: { summary: "Something about the agent itself.", schema: diagMessage, contentType: plain },
  telemetry: { summary: "Values of a point.", schema: telemetryMessage, contentType: plain },
  result: { summary: "What became of a command.", schema: resultMessage, contentType: plain },
  ack: { summary: "What has arrived for good.", schema: ackMessage, contentType: plain },
  state: { summary: "Whether the centre is there.", schema: stateMessage, contentType: plain },
  ...commands,
} as const satisfies Readonly<Record<keyof typeof examples, Told>>;
export type MessageName = keyof typeof messages;

/** What is said on each channel. */
const said: Readonly<Record<keyof typeof channels, { readonly what: string; readonly by: readonly MessageName[] }>> = {
  status: { what: "Birth and death. A death with an older bdSeq than the birth's is void.", by: ["birth", "death"] },
  event: {
    what: "Every event of every incident, in the order of `sequence`; twice in doubt; 16 KiB at most.",
    by: ["event", "gap"],
  },
  backfill: {
    what: "Events of before the birth, and those asked for once more; `historical` is true. At a bounded rate, beside the events of now.",
    by: ["event"],
  },
  active: {
    what: "The newest event of one open incident; an empty message deletes it when that is over. h: the first 32 hex digits of the SHA-256 of the condition key.",
    by: ["event"],
  },
  silences: { what: "On connect, and when it has changed, at most once a second; 128 KiB at most.", by: ["silences"] },
  blind: { what: "On connect, and when it has changed, at most once a second; 128 KiB at most.", by: ["blind"] },
  heartbeat: { what: "Each 30 s, unless set otherwise.", by: ["heartbeat"] },
  diag: { what: "When it happens.", by: ["diag"] },
  telemetry: { what: "Where it is switched on; what is lost with the line is lost.", by: ["telemetry"] },
  reply: { what: "Where the command names no response topic below {prefix}/v1/reply/.", by: ["result"] },
  command: {
    what: "{name}: that of the message. A retained one is refused.",
    by: commandNames.map(commandFile),
  },
  ack: { what: "Where the agent is set to delivery: centre.", by: ["ack"] },
  state: { what: "Also its Will.", by: ["state"] },
};

const schemaFile = (name: string): string => `${name}.schema.json`;

/**
 * Draft 07, which AsyncAPI takes as it is. A minor version only adds: what a consumer does not know, it ignores. Not so the
 * agent, of commands: a misspelt argument is no command without it.
 */
export function schemaJson(name: MessageName): Json {
  const { $schema, ...schema } = z.toJSONSchema(messages[name].schema, {
    target: "draft-7",
    reused: "inline",
    override: ({ jsonSchema }) => {
      if (!(name in commands) && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
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
      "What an agent says to the centre, and takes from it. Order holds within a channel only: seq and rev decide. What a consumer does not know, it ignores.",
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
  operations: Object.fromEntries(
    Object.entries(channels).map(([name, one]) => [operationOf(name, one), operationJson(name, one)]),
  ),
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

const parameterJson: Readonly<Record<string, Json>> = {
  prefix: { ...level, default: "mepwatch" },
  ...{ site: level, agent: level, device: level, point: level, host: level },
  h: { description: "32 hex digits." },
  cmdId: { description: "Of the command." },
  name: { description: "Of the command.", enum: commandNames },
};

function channelJson(name: keyof typeof said): Json {
  const { what, by } = said[name];
  const address = addressOf(name);
  const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, one = ""]) => [one, parameterJson[one]]);
  return {
    address,
    description: what,
    parameters: Object.fromEntries(parameters),
    messages: Object.fromEntries(by.map((one) => [one, { $ref: `#/components/messages/${one}` }])),
  };
}

const operationOf = (name: string, { from }: Channel): string => `${from === "centre" ? "receive" : "send"}-${name}`;

function operationJson(name: string, { from, how: { expiry, ...how } }: Channel): Json {
  const more = expiry === undefined ? {} : { messageExpiryInterval: expiry };
  return {
    action: from === "centre" ? "receive" : "send",
    channel: { $ref: `#/channels/${name}` },
    bindings: { mqtt: { ...how, ...more, bindingVersion: "0.2.0" } },
    ...(name === "command" ? { reply: { channel: { $ref: "#/channels/reply" } } } : {}),
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
