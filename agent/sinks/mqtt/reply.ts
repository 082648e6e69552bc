import type { Answer } from "../orders.ts";
import type { ResultMessage } from "./commands.ts";
import { type Arrival, envelopeMax, type Message } from "./link.ts";
import { channels, type Topics } from "./topics.ts";

/** What became of a command, for whoever sent it. */
export interface Result extends Omit<Answer, "status">, Pick<ResultMessage, "status" | "first"> {}

const topicMax = 512;
const correlationMax = 1024;

/** @param packetMax bytes that the broker takes: of a longer answer the single conditions are left out */
export function replyTo(
  { responseTopic, correlation }: Pick<Arrival, "responseTopic" | "correlation">,
  result: Result & Pick<ResultMessage, "cmdId" | "name">,
  { at, topics, packetMax }: { readonly at: number; readonly topics: Topics; readonly packetMax: number },
): Message {
  const { cmdId, name, ...rest } = result;
  const isMeant = responseTopic !== undefined && isReply(responseTopic, topics.replies);
  const topic = isMeant ? responseTopic : topics.reply(cmdId);
  const echoed = isMeant && correlation !== undefined && correlation.length <= correlationMax ? { correlation } : {};
  const message = { cmdId, at: new Date(at).toISOString(), name, ...rest };
  const whole = JSON.stringify(message);
  const room = packetMax - envelopeMax - Buffer.byteLength(topic) - (correlation?.length ?? 0);
  const payload = Buffer.byteLength(whole) <= room ? whole : JSON.stringify({ ...message, conditions: undefined });
  return { topic, payload, ...channels.reply.how, ...echoed };
}

/** A stranger's message must not have the agent publish anywhere else, nor have the broker end the connection. */
const isReply = (topic: string, below: string): boolean =>
  topic.startsWith(below) &&
  topic.length > below.length &&
  Buffer.byteLength(topic) <= topicMax &&
  !/[+#\p{Cc}\p{Cs}\ufffd]/u.test(topic);
