import type { Site } from "../config/resolved.ts";
import type { PointId, Sample, Wall } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { BlindFacts } from "../sinks/quiet.ts";
import type { BirthFacts, HeartbeatFacts } from "../sinks/sink.ts";
import type { Store } from "../store/store.ts";
import type { Ingest } from "./ingest.ts";
import type { Trust } from "./trust.ts";

/** What the agent can say of itself, in birth, heartbeat and status: by it a silence can be trusted, or not. */
export interface Vitals {
  /** Notes which points last gave a good value. */
  note(samples: readonly Sample[]): void;
  /** The points that did not. */
  blind(): Blind;
  /** Grows when these change. */
  blindRevision(): number;
  birth(): BirthFacts;
  heartbeat(): HeartbeatFacts;
}

export type Blind = ReadonlyMap<PointId, Seen>;
interface Seen {
  readonly why: BlindFacts["why"];
  readonly since: Wall;
}

type Door = Pick<Ingest, "epoch" | "lastSeq" | "lastPosition" | "openIncidents">;

export function vitalsOf(env: Env, site: Site, store: Store, trust: Pick<Trust, "now">, door: () => Door): Vitals {
  const points = new Set(site.devices.flatMap((device) => device.points.map(({ id }) => id)));
  const since = env.clock.wall();
  const blind = new Map([...points].map((point) => [point, { why: "not_read", since } as Seen]));
  let blindRevision = 0;
  const { configHash } = site;
  /** Whether that changes what is blind. */
  const noted = (sample: Sample): boolean => {
    if (sample.quality === "good") return blind.delete(sample.point);
    const before = blind.get(sample.point);
    const seen = seenBy(sample, before);
    if (seen === before || !points.has(sample.point)) return false;
    blind.set(sample.point, seen);
    return true;
  };
  return {
    note(samples) {
      for (const one of samples) if (noted(one)) blindRevision++;
    },
    blind: () => blind,
    blindRevision: () => blindRevision,
    birth() {
      const { epoch, lastSeq, lastPosition, openIncidents } = door();
      const active = openIncidents();
      const waitingFrom = store.outbox.first ?? lastSeq + 1;
      const firstSeq = Math.min(waitingFrom, store.journal.firstOf(epoch) ?? waitingFrom);
      const count = { activeCount: active.length, configHash, clock: trust.now() };
      return { epoch, firstSeq, lastSeq, waitingFrom, lastPosition, ...count, active };
    },
    heartbeat() {
      const { epoch, lastSeq, openIncidents } = door();
      const { first, depth, oldestAt } = store.outbox;
      const active = openIncidents();
      return {
        epoch,
        lastSeq,
        ackedSeq: (first ?? lastSeq + 1) - 1,
        depth,
        oldestAgeMs: oldestAt === null ? 0 : Math.max(0, env.clock.wall() - oldestAt),
        activeCount: active.length,
        active,
        pointsExpected: points.size,
        pointsGood: points.size - blind.size,
        configHash,
        clock: trust.now(),
      };
    },
  };
}

/** A point that is not good for another reason than before has been so since then; one that was never read begins now. */
const seenBy = ({ reason, wall }: Exclude<Sample, { quality: "good" }>, before: Seen | undefined): Seen =>
  before === undefined || before.why === "not_read"
    ? { why: reason, since: wall }
    : before.why === reason
      ? before
      : { why: reason, since: before.since };
