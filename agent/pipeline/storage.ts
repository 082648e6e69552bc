import { type Site, selfId, storagePoint, storageResetPoint } from "../config/resolved.ts";
import type { Instant, PointId, Sample } from "../core/sample.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Store } from "../store/store.ts";
import type { Ingest } from "./ingest.ts";

/**
 * How the store does, as samples of the agent's own points, those that have changed; null: nothing has, and the store has
 * all there is.
 */
export type StorageWatch = (now: Instant, door: Pick<Ingest, "epoch" | "openIncidents">) => readonly Sample[] | null;

export function storageWatch({ id }: Site, store: Store): StorageWatch {
  const resetKey = `${id}/${selfId}/-/storage_reset`;
  const told = new Map<PointId, number>();
  let toldLoss: Store["health"]["loss"] = null;

  /** What was lost stands until somebody has said that they know: before that nobody may have looked. */
  const wasReset = (open: readonly EventRecord[]): boolean => {
    const { loss } = store.health;
    const incident = open.find(({ conditionKey }) => conditionKey === resetKey);
    if (incident === undefined) return loss !== toldLoss;
    if (loss !== toldLoss) store.lossTold();
    toldLoss = loss;
    return !incident.acked;
  };

  return (now, door) => {
    const open = door.openIncidents();
    const values: readonly (readonly [PointId, boolean])[] = [
      [storagePoint, store.health.degraded !== null],
      [storageResetPoint, wasReset(open)],
    ];
    const changed = values.flatMap(([point, isSo]): Sample[] => {
      const value = isSo ? 1 : 0;
      if (told.get(point) === value) return [];
      told.set(point, value);
      return [{ ...now, point, quality: "good", value }];
    });
    return changed.length > 0 || door.epoch !== store.epoch ? changed : null;
  };
}

/** Looks after the disk, also while nothing happens; whether one that failed is back, with what waited on it. */
export function tended(store: Store): boolean {
  const { degraded } = store.health;
  store.heal();
  return degraded !== null && store.health.degraded === null;
}
