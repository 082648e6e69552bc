import type { Driver } from "../../drivers/driver.ts";
import type { Language } from "../core/language.ts";
import type { Model } from "../core/model.ts";
import type { Point } from "../core/quality.ts";
import type { PointId } from "../core/sample.ts";

/** A site with nothing left open: what the pipeline runs on and what `mepwatch show` would print. */
export interface Site {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  /** In which incidents are told; whatever people wrote in several is here in this one. */
  readonly language: Language;
  /** SHA-256 over all files it was made from, first 16 hex digits. */
  readonly configHash: string;
  readonly buses: readonly Bus[];
  readonly devices: readonly Device[];
  readonly model: Model;
  /** What people and the centre are told of a condition, by its key. */
  readonly about: ReadonlyMap<string, About>;
}

export interface Bus {
  readonly id: string;
  readonly driver: Driver;
  readonly options: unknown;
  readonly timeoutMs: number;
}

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly class: string;
  readonly profile: string;
  readonly bus: string;
  readonly protocol: string;
  readonly address: unknown;
  readonly location: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly DevicePoint[];
}

export interface DevicePoint {
  readonly id: PointId;
  /** Its id within the device. */
  readonly own: string;
  readonly name: string;
  readonly definition: Point;
  readonly address: unknown;
  readonly unit: string;
  readonly texts: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

export interface About {
  readonly rule: string;
  readonly type: string;
  /** Changes whenever the rule's options do. */
  readonly version: string;
  readonly device: Device;
  /** Null for a rule about the device as a whole. */
  readonly point: DevicePoint | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly say: Readonly<Partial<Record<"what" | "cause" | "action" | "consequence", string | undefined>>>;
  readonly runbook: string | null;
  /** Points whose values are sent with its raise. */
  readonly companions: readonly DevicePoint[];
  /** Of a rule that tells whether a device can be heard: what is not heard otherwise. */
  readonly impacted: Impacted | null;
  /** Of a rule that tells of a unit's loss: with which others it shares its duty. */
  readonly shared: Shared | null;
  /** Of a rule about many devices: the names of those that it is raised of. */
  readonly members: readonly string[];
}

export interface Shared {
  /** The duty, such as "cooling of zone east". */
  readonly of: string;
  /** Device ids, this one among them. */
  readonly units: readonly string[];
  /** How many are needed; undefined: nobody said. */
  readonly need: number | undefined;
}

export interface Impacted {
  readonly devices: number;
  readonly points: number;
}

/** The device under which the agent reports itself; no device of a site may have this id. */
export const selfId = "agent";
/** 1 while the agent runs on an older configuration because the newest was refused. */
export const configPoint: PointId = `${selfId}/$config-rejected`;
/** 1 while more alarms call than people can follow. */
export const floodPoint: PointId = `${selfId}/$flood`;
/** 1 while the disk takes nothing and the store is in memory. */
export const storagePoint: PointId = `${selfId}/$storage`;
/** 1 from the loss of a damaged store until somebody has acknowledged it. */
export const storageResetPoint: PointId = `${selfId}/$storage-reset`;
