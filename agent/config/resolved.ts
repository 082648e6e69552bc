import type { Driver, Inquiry, Listening } from "../../drivers/driver.ts";
import type { Identity } from "../core/identity.ts";
import type { Language } from "../core/language.ts";
import type { Model } from "../core/model.ts";
import type { Point } from "../core/quality.ts";
import type { PointId, Wall } from "../core/sample.ts";

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
  /** How its devices are heard unasked; absent: they are not. */
  /** By which what devices say unasked is heard; none: nothing is. */
  readonly listeners: readonly SiteListener[];
  readonly model: Model;
  /** When it is maintained, by the calendar. */
  readonly windows: readonly Window[];
  /** What people and the centre are told of a condition, by its key. */
  readonly about: ReadonlyMap<string, About>;
}

/** Maintenance that comes by itself. */
export interface Window {
  readonly id: string;
  /** The selector, as written. */
  readonly target: string;
  /** The conditions that it means. */
  readonly keys: readonly string[];
  /** Whether the alarms themselves are named, and not only where they are. */
  readonly named: boolean;
  /** The mode that it is; null: maintenance of all that is meant. */
  readonly mode: string | null;
  readonly reason: string;
  /** The run that is under way then, or the next one; null: none comes any more. */
  runAt(wall: Wall): { readonly from: Wall; readonly to: Wall } | null;
}

export interface Bus {
  readonly id: string;
  readonly driver: Driver;
  readonly options: unknown;
  readonly timeoutMs: number;
}

export interface SiteListener {
  readonly driver: Driver;
  readonly listening: Listening;
  readonly options: unknown;
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
  /** By what it is told from another; absent: nothing does. */
  readonly identity?: DeviceIdentity;
  /** What it says unasked, as far as that is known. */
  readonly traps?: readonly DeviceTrap[];
}

export interface DeviceTrap {
  readonly name: string;
  /** Which it is, as the driver knows it. */
  readonly trap: unknown;
  /** What is read when it comes. */
  readonly points: readonly PointId[];
}

export interface DeviceIdentity {
  readonly parts: Inquiry["parts"];
  /** What the site file says of them. */
  readonly given: Identity;
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
  /** Of a fact that several rules tell (`sameAs`): those, the one whose words it has first. */
  readonly witnesses: readonly Witness[];
  /** Of such a rule: the key of the one incident that tells the fact, and alone calls; also of that itself. */
  readonly fact: string | null;
}

export interface Witness {
  /** Its name, DEVICE/RULE. */
  readonly rule: string;
  /** What people call it, as short as tells it from the others. */
  readonly name: string;
}

export interface Shared {
  /** The duty, such as "cooling of zone east". */
  readonly of: string;
  /** Which unit is lost. */
  readonly unit: string;
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
/** 1 while a mode of this name is in force. */
export const modePoint = (mode: string): PointId => `${selfId}/$mode-${mode}`;
/** 1 while a mode did not complete in time. */
export const overduePoint: PointId = `${selfId}/$mode-overdue`;
/** 1 while more alarms call than people can follow. */
export const floodPoint: PointId = `${selfId}/$flood`;
/** 1 while the agent is not registered there where it is told what is said to all, such as at a BBMD. */
export const unregisteredPoint: PointId = `${selfId}/$unregistered`;

/** 1 while more traps come than are read. */
export const trapStormPoint: PointId = `${selfId}/$trap-storm`;
/** 1 while the disk takes nothing and the store is in memory. */
export const storagePoint: PointId = `${selfId}/$storage`;
/** 1 from the loss of a damaged store until somebody has acknowledged it. */
export const storageResetPoint: PointId = `${selfId}/$storage-reset`;
