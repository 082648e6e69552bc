import type { Reading } from "../../drivers/driver.ts";
import type { Device, DevicePoint } from "../config/resolved.ts";
import { assess } from "../core/quality.ts";
import { number, unitSign } from "../core/text.ts";
import type { AgentStatus } from "../pipeline/agent.ts";
import type { IdentityStatus } from "../pipeline/identities.ts";
import { observation } from "../pipeline/poller.ts";

/** What `mepwatch status` shows, as data; the same for the terminal and for `--json`. */
export interface StatusSnapshot {
  readonly version: string;
  /** When this was so. */
  readonly at: string;
  readonly site: string;
  readonly configHash: string;
  readonly configRejected: boolean;
  readonly startedAt: string;
  /** `trouble`: what keeps events from it; null: nothing. */
  readonly broker: { readonly connected: boolean; readonly trouble: string | null };
  readonly buffer: {
    readonly depth: number;
    readonly oldestAgeMs: number;
    readonly lastSeq: number;
    readonly ackedSeq: number;
  };
  /** `degraded`: why nothing is kept on the disk; `reset`: what was wrong with a store that was damaged; null: neither. */
  readonly storage: { readonly degraded: string | null; readonly reset: string | null };
  /** What is told past the broker while that is away; `trouble`: why a channel did not take the last message; null: it did. */
  readonly notify: readonly {
    readonly channel: string;
    readonly trouble: string | null;
    readonly waiting: number;
  }[];
  readonly points: { readonly expected: number; readonly good: number };
  readonly buses: readonly {
    readonly id: string;
    readonly protocol: string;
    /** How much of its time the plan takes, 1 being all; null: nobody knows that of a network. */
    readonly planned: number | null;
    /** How much it was in use in the last minute, by whom it was asked. */
    readonly measured: Readonly<Record<"command" | "alarm" | "normal" | "diagnostics", number>>;
    /** Polls left out since the start, as the bus was too slow for all. */
    readonly skipped: number;
  }[];
  readonly devices: readonly {
    readonly id: string;
    readonly name: string;
    readonly bus: string;
    readonly protocol: string;
    /** Null: not asked yet. */
    readonly answering: boolean | null;
    readonly lastGoodAt: string | null;
    readonly fault: string | null;
    readonly lastMs: number;
    /** Null: nothing tells it from another. */
    readonly identity: IdentityStatus | null;
  }[];
  /** What was begun and calls nobody for what belongs to it. */
  readonly modes: readonly {
    readonly mode: string;
    readonly target: string;
    readonly by: string;
    readonly reason: string;
    readonly beganAt: string;
    readonly until: string;
    /** Its end has passed, and what is expected of it goes on. */
    readonly overdue: boolean;
    /** Alarms raised since that belong to it, and calls that do not. */
    readonly expected: number;
    readonly others: number;
  }[];
  readonly incidents: readonly {
    readonly incidentId: string;
    readonly conditionKey: string;
    readonly severity: string;
    readonly raisedAt: string;
    readonly text: string;
  }[];
}

const iso = (wall: number): string => new Date(wall).toISOString();

export function snapshot(
  version: string,
  { site, buses, identities, heartbeat, open, modes, ...status }: AgentStatus,
): StatusSnapshot {
  const { depth, oldestAgeMs, lastSeq, ackedSeq, pointsExpected, pointsGood } = heartbeat;
  return {
    version,
    at: iso(status.now),
    site: site.id,
    configHash: site.configHash,
    configRejected: status.configRejected,
    startedAt: iso(status.startedAt),
    broker: { connected: status.connected, trouble: status.trouble },
    storage: { degraded: status.storage.degraded, reset: status.storage.loss?.why ?? null },
    buffer: { depth, oldestAgeMs, lastSeq, ackedSeq },
    notify: status.notify,
    points: { expected: pointsExpected, good: pointsGood },
    buses: buses.map(({ bus, planned, measured, skipped }) => ({
      ...{ id: bus, planned: rounded(planned), skipped },
      protocol: site.buses.find(({ id }) => id === bus)?.driver.protocol ?? "",
      measured: {
        ...{ command: rounded(measured.command), alarm: rounded(measured.alarm) },
        ...{ normal: rounded(measured.normal), diagnostics: rounded(measured.diagnostics) },
      },
    })),
    devices: site.devices.map(({ id, name, bus, protocol }) => {
      const found = buses.find((one) => one.bus === bus)?.devices.get(id);
      const { answering = null, lastGoodAt = null, fault = null, lastMs = 0 } = found ?? {};
      return {
        id,
        name,
        bus,
        protocol,
        answering,
        lastGoodAt: lastGoodAt === null ? null : iso(lastGoodAt),
        fault,
        lastMs,
        identity: identities.get(id) ?? null,
      };
    }),
    modes: modes.map(({ began, until, ...rest }) => ({
      ...rest,
      beganAt: iso(began.wall),
      until: iso(began.wall + until - began.at),
    })),
    incidents: open.map(({ incidentId, conditionKey, severity, raisedAt, text }) => ({
      incidentId,
      conditionKey,
      severity,
      raisedAt,
      text,
    })),
  };
}

/** To a thousandth. */
const rounded = <T extends number | null>(share: T): T =>
  (share === null ? null : Math.round(share * 1000) / 1000) as T;

/** What `mepwatch read` shows of one point. */
export interface PointValue {
  readonly point: string;
  readonly name: string;
  /** With unit, or the name of the value; null where none could be had. */
  readonly value: string | null;
  readonly number: number | null;
  readonly unit: string;
  readonly quality: "good" | "uncertain" | "bad";
  /** Why it is not good. */
  readonly reason: string | null;
}

export function pointValues(device: Device, readings: readonly Reading[]): PointValue[] {
  return readings.flatMap((reading): PointValue[] => {
    const point = device.points.find(({ id }) => id === reading.point);
    if (point === undefined) return [];
    const sample = assess(point.definition, observation(reading), { at: 0, wall: 0 });
    const base = { point: point.id, name: point.name, unit: point.unit, quality: sample.quality };
    if (sample.quality === "bad") {
      const reason =
        "fault" in reading
          ? `${reading.fault}: ${reading.detail}`
          : `${sample.reason}: the device says ${reading.value}`;
      return [{ ...base, value: null, number: null, reason }];
    }
    const reason = sample.quality === "good" ? null : sample.reason;
    return [{ ...base, value: shownValue(point, sample.value), number: sample.value, reason }];
  });
}

/** With its unit, or by its name. */
export const shownValue = ({ texts, unit }: Pick<DevicePoint, "texts" | "unit">, value: number): string =>
  texts[String(value)] ?? `${number(value)} ${unitSign(unit)}`.trim();
