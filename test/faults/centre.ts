import { connect, type MqttClient } from "mqtt";
import type { EventMessage } from "../../agent/sinks/mqtt/messages.ts";
import type { StreamMessage } from "../../agent/sinks/stream.ts";

/** A subscriber to the events of many sites, with what it heard of each. */
export interface Centre {
  of(site: string): Heard;
  close(): Promise<void>;
}

export interface Heard {
  /** Births and events in the order of their arrival, those that came twice included. */
  readonly stream: StreamMessage[];
  /** By id: the first of each. */
  readonly events: Map<string, EventMessage>;
  /** Events of a condition, each id once. */
  count(conditionKey: string, kind: string): number;
  /** The conditions of the incidents that are retained as open, by topic. */
  readonly active: Map<string, string>;
}

/** It may lose its broker: that keeps for it what it has not heard. */
export async function openCentre(url: string, protocolVersion: 4 | 5 = 5): Promise<Centre> {
  const sites = new Map<string, Heard & { note(topic: string, payload: string): void }>();
  const of = (site: string) => {
    const known = sites.get(site) ?? heard();
    sites.set(site, known);
    return known;
  };
  const session = { clean: false, clientId: "centre", properties: { sessionExpiryInterval: 600 } };
  const client: MqttClient = connect(url, { protocolVersion, reconnectPeriod: 200, ...session });
  client.on("message", (topic, payload) => {
    const [, , site = "", , kind = ""] = topic.split("/");
    of(site).note(kind === "active" ? topic : kind, payload.toString());
  });
  await client.subscribeAsync("mepwatch/v1/#", { qos: 1 });
  return { of, close: () => client.endAsync(true) };
}

function heard() {
  const stream: StreamMessage[] = [];
  const events = new Map<string, EventMessage>();
  const counts = new Map<string, number>();
  const active = new Map<string, string>();
  const place = (key: string, kind: string): string => `${kind} ${key}`;
  const take = (message: EventMessage): void => {
    const { id, subject, data } = message;
    stream.push({ epoch: data.epoch, seq: data.seq });
    if (events.has(id)) return;
    events.set(id, message);
    counts.set(place(subject, data.kind), (counts.get(place(subject, data.kind)) ?? 0) + 1);
  };
  return {
    stream,
    events,
    active,
    count: (key: string, kind: string) => counts.get(place(key, kind)) ?? 0,
    note(topic: string, payload: string): void {
      if (topic === "event" || topic === "backfill") take(JSON.parse(payload));
      else if (topic === "status") {
        const { online, epoch, firstSeq, lastSeq } = JSON.parse(payload);
        if (online) stream.push({ birth: true, epoch, firstSeq, lastSeq });
      } else if (topic.includes("/active/")) {
        if (payload === "") active.delete(topic);
        else active.set(topic, JSON.parse(payload).subject);
      }
    },
  };
}
