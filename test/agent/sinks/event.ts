import type { EventRecord } from "../../../agent/sinks/record.ts";
import type { Outgoing } from "../../../agent/sinks/sink.ts";

export const epoch = "00000000-0000-4000-8000-000000000001";

/** As it waits in the outbox: `position` is its sequence number, unless a test says otherwise. */
export const outgoing = (event: EventRecord, persistedAt = 0, position = event.seq): Outgoing => ({
  ...{ event, persistedAt, position, isLate: false },
  json: JSON.stringify(event),
});

/** An event as the pipeline makes it, but for what a test says. */
export function event(seq: number, also: Partial<EventRecord> = {}): EventRecord {
  const at = "2026-01-02T03:04:05.678Z";
  return {
    epoch,
    seq,
    kind: "raise",
    incidentId: "00000000-0000-8000-8000-00000000000a",
    conditionKey: "hall-1/crac-1/running/stopped",
    rev: 1,
    severity: "high",
    priorityHint: "P2",
    state: "active-unacked",
    open: true,
    active: true,
    acked: false,
    latched: false,
    shelved: false,
    suppressed: false,
    outOfService: false,
    flapping: false,
    annunciate: true,
    rule: { id: "stopped", type: "state", version: "1", configHash: "c" },
    point: {
      id: "crac-1/running",
      device: "crac-1",
      deviceClass: "crac",
      protocol: "bacnet",
      address: "{}",
      name: "r",
    },
    location: { site: "hall-1" },
    value: 0,
    unit: "1",
    quality: "good",
    onsetAt: at,
    observedAt: at,
    raisedAt: at,
    at,
    bootId: "boot",
    monoMs: 1,
    clock: { synced: null, source: null, offsetMs: null, lastSyncAt: null },
    historical: false,
    text: "CRAC-1 stopped since 03:04.",
    labels: {},
    ...also,
  };
}
