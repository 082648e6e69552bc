import type { MqttOptions } from "../../../../agent/sinks/mqtt/brokers.ts";
import type { QuietFacts } from "../../../../agent/sinks/quiet.ts";
import type { BirthFacts, SinkHooks } from "../../../../agent/sinks/sink.ts";
import { epoch } from "../event.ts";

/** What a sink is opened with, but for what a test says. */
export const birthFacts = (also: Partial<BirthFacts> = {}): BirthFacts => ({
  ...{ epoch, firstSeq: 1, lastSeq: 0, waitingFrom: 1, lastPosition: 0, activeCount: 0, configHash: "c", active: [] },
  clock: { synced: true, source: null, offsetMs: null, lastSyncAt: "2026-01-01T00:00:00.000Z" },
  ...also,
});

export const nothingQuiet: QuietFacts = { configHash: "c", silences: [], modes: [], pointsExpected: 4, blind: [] };

export const optionsTo = (url: string, also: Partial<MqttOptions> = {}): MqttOptions => ({
  ...{ urls: [url], clientId: "mepwatch-hall-1-a", username: null, password: null, ca: null, cert: null, key: null },
  ...{ prefix: "mepwatch", site: "hall-1", agent: "a", agentVersion: "1.2.3", centre: null, delivery: "broker" },
  ...also,
});

export const hooksOf = (also: Partial<SinkHooks> = {}): SinkHooks => ({
  ...{ birth: birthFacts, quiet: () => nothingQuiet, onConnected: () => {}, onLost: () => {} },
  ...{ onHeard: () => {}, onAck: () => {} },
  ...also,
});
