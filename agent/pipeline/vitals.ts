import type { Site } from "../config/resolved.ts";
import type { PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { BirthFacts, HeartbeatFacts } from "../sinks/sink.ts";
import type { Store } from "../store/store.ts";
import type { Ingest } from "./ingest.ts";
import type { Trust } from "./trust.ts";

/** What the agent can say of itself, in birth, heartbeat and status: by it a silence can be trusted, or not. */
export interface Vitals {
  /** Notes which points last gave a good value. */
  note(samples: readonly Sample[]): void;
  birth(): BirthFacts;
  heartbeat(): HeartbeatFacts;
}

type Door = Pick<Ingest, "epoch" | "lastSeq" | "openIncidents">;

export function vitalsOf(env: Env, site: Site, store: Store, trust: Pick<Trust, "now">, door: () => Door): Vitals {
  const points = new Set(site.devices.flatMap((device) => device.points.map(({ id }) => id)));
  const good = new Set<PointId>();
  const { configHash } = site;
  return {
    note(samples) {
      for (const { point, quality } of samples) {
        if (quality !== "good") good.delete(point);
        else if (points.has(point)) good.add(point);
      }
    },
    birth() {
      const { epoch, lastSeq, openIncidents } = door();
      const active = openIncidents();
      const firstSeq = store.outbox.first ?? lastSeq + 1;
      return { epoch, firstSeq, lastSeq, activeCount: active.length, configHash, clock: trust.now(), active };
    },
    heartbeat() {
      const { epoch, lastSeq, openIncidents } = door();
      const { first, depth, oldestAt } = store.outbox;
      return {
        epoch,
        lastSeq,
        ackedSeq: (first ?? lastSeq + 1) - 1,
        depth,
        oldestAgeMs: oldestAt === null ? 0 : Math.max(0, env.clock.wall() - oldestAt),
        activeCount: openIncidents().length,
        pointsExpected: points.size,
        pointsGood: good.size,
        configHash,
        clock: trust.now(),
      };
    },
  };
}
