import type * as z from "zod";
import type { BadReason, PointId, Wall } from "../agent/core/sample.ts";
import type { Env } from "../agent/env.ts";

/**
 * The contract every protocol fulfils; test/drivers/conformance.ts is its executable form.
 *
 * `plan` is pure: it coalesces the points of one device into as few requests as the device allows.
 * `open` gives a session over one bus (a TCP connection, a UDP peer); only a session touches the network.
 * A driver decides nothing: it neither retries on its own schedule nor judges values against limits.
 */
export interface Driver<
  Bus = unknown,
  Device = unknown,
  Address = unknown,
  Request extends AnyRequest = AnyRequest,
  Shared extends Closable = Closable,
  Part = unknown,
> {
  readonly protocol: string;
  /** One sentence for the generated reference. */
  readonly describe: string;
  /** What reaches a bus: host, port, credentials, timeout. Every option has a `.describe()`. */
  readonly bus: z.ZodType<Bus>;
  /** What tells this device from others on its bus (Modbus unit, BACnet instance). */
  readonly device: z.ZodType<Device>;
  /** Where a point is found in a device. */
  readonly address: z.ZodType<Address>;
  /** Where a text is found that tells which device it is; absent: no device of this protocol can tell. */
  readonly part?: z.ZodType<Part>;
  /** Same points in any order give the same requests; each point is in exactly one request. */
  plan(points: readonly PlannedPoint<Device, Address>[], bus: Bus): readonly Request[];
  /**
   * What of the network or of the machine a bus has for itself, such as a serial port: through a second bus, requests would
   * meet there, so that a site with two of it is refused. Absent: buses of this protocol never collide.
   */
  place?(bus: Bus): string;
  /** What all sessions of an agent share, such as one UDP socket; made once, closed after the last session. */
  share?(env: Env): Shared;
  /** What its devices say unasked; absent: they say nothing. */
  readonly listening?: Listening;
  /**
   * Does not connect: the first `read` does, so that a dead device cannot hold up the start. `learnt`: what an earlier
   * session of this bus knew; absent: nothing, and nothing is to be kept. `news`: who hears what its devices say unasked of
   * their points; absent: nobody.
   */
  open(bus: Bus, env: Env, shared: Shared, learnt?: Learnt, news?: News): Session<Request>;
  /** How many requests a bus may carry at once; absent: one. */
  window?(bus: Bus): number;
  /** How long a request and its answer take a line, ms; absent: of no bus is that known before. Null: not of this one. */
  airtimeMs?(request: Request, bus: Bus): number | null;
  /** How long its device is to be left alone after a request, ms; absent: never. */
  pauseMs?(request: Request): number;
  /**
   * Looks which devices are on a bus, one question at a time and with pauses, for others may be talking there. Never rejects.
   * Gives null once all was tried or `signal` aborted, else why the bus cannot be had. Absent: buses of this protocol have one
   * device each, or are not looked through yet.
   */
  discover?(bus: Bus, env: Env, search: Search<Device>): Promise<string | null>;
  /**
   * Where a point may truly be whose address the device refuses, likeliest first: as people mistake it. `mistake` says which, the
   * same for each point.
   */
  mistaken?(address: Address): readonly { readonly mistake: string; readonly address: Address }[];
}

/**
 * What a session found out about its devices and would have to find out again at each start, such as the registers that one
 * lacks: any JSON. Whoever reads it checks it, as an older version may have written it.
 */
export interface Learnt {
  readonly before: unknown;
  /** Replaces it. Called where something new was learnt only, for it is written to the disk. */
  keep(now: unknown): void;
}

/** Changes of value that a device tells by itself, of points of requests that were read; as believable as an answer. */
export type News = (readings: readonly Reading[]) => void;

/** What to look for on a bus. */
export interface Search<Device = unknown> {
  /** What tells devices of a bus apart, in the order in which to try them: Modbus units. */
  readonly numbers: readonly number[];
  /** How long one question waits for its answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Once for each number, in their order; null: nobody has it. */
  tried(number: number, found: Found<Device> | null): void;
}

/** A device as it tells of itself; null: that it does not tell. */
export interface Found<Device = unknown> {
  readonly device: Device;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly revision: string | null;
}

export interface Closable {
  /** Idempotent; settles within 1 s. */
  close(): Promise<void>;
}

/** What devices say unasked, such as SNMP's traps. A hint, no more: what is so is read from the device. */
export interface Listening<
  Options = unknown,
  Trap = unknown,
  Bus = unknown,
  Shared extends Closable = Closable,
  Device = unknown,
> {
  /** What the section of the site file is called that has its options. */
  readonly section: "traps" | "bacnet";
  /** Where it is listened, and who is believed. Every option has a `.describe()`. */
  readonly options: z.ZodType<Options>;
  /** Whether a bus cannot do without it; absent: each can. */
  isNeededBy?(bus: Bus): boolean;
  /** Which of a device's traps is meant; an object, whose options stand in a profile beside the points to be read. */
  readonly trap: z.ZodType<Trap>;
  /** Opens by itself, and again where that fails; does not throw. */
  listen(options: Options, env: Env, shared: Shared, hooks: ListenHooks<Bus, Trap, Device>): Listener;
}

export interface ListenHooks<Bus = unknown, Trap = unknown, Device = unknown> {
  /** Descriptor of a socket that the service manager has opened for it; null: it opens its own. */
  readonly passed: number | null;
  /** What `keep` was given last, also before a restart; null: nothing ever. */
  readonly kept: string | null;
  keep(text: string): void;
  /** It is taken when this returns: only then it may be confirmed to its sender. */
  onHint(hint: Hint<Bus, Trap, Device>): void;
  /** One was dropped unread, since this source sends too many. */
  onDropped(source: string): void;
  /** Whether it is registered there where it is told what is said to all; why not, or null. Absent: nobody wants to know. */
  onRegistered?(lost: string | null): void;
}

/** One trap. */
export interface Hint<Bus = unknown, Trap = unknown, Device = unknown> {
  /** IP address of the sender. */
  readonly source: string;
  /** Options of the buses on which its device is read; none: nobody knows it; null: on any of the protocol. */
  readonly buses: readonly Bus[] | null;
  /** Whether it is of this device, as `device` of the driver has it; absent: of any on these buses. */
  isFrom?(device: Device): boolean;
  /** Names the trap for people, such as its OID. */
  readonly trap: string;
  /** How it came, such as "inform, SNMPv3 authPriv ops". */
  readonly by: string;
  readonly bindings: readonly { readonly name: string; readonly text: string }[];
  isOf(trap: Trap): boolean;
}

export interface Listener extends Closable {
  status(): ListenerStatus;
}

/** Counts since the start: each that was received is a hint, refused, answered (its sender had to ask first, or asked again), or dropped. */
export interface ListenerStatus {
  /** Address and port. */
  readonly at: string;
  /** What senders may have to be told of us, such as an engine's id. */
  readonly known: string;
  /** Why nothing is heard; null: it is. */
  readonly trouble: string | null;
  readonly received: number;
  readonly answered: number;
  readonly dropped: number;
  readonly refused: readonly Refused[];
}

/** Those that were not believed, by reason. */
export interface Refused {
  readonly why: string;
  readonly count: number;
  /** Of the last one. */
  readonly source: string;
  readonly at: Wall;
}

export interface PlannedPoint<Device = unknown, Address = unknown> {
  readonly id: PointId;
  readonly device: Device;
  readonly address: Address;
}

export interface AnyRequest {
  readonly points: readonly { readonly id: PointId }[];
}

export interface Session<Request extends AnyRequest = AnyRequest> extends Closable {
  /**
   * One exchange. Resolves within `timeoutMs` (and a few ms) with exactly one reading for each point of
   * the request, in its order. Never rejects: whatever the device, the wire or the library does is a fault
   * in a reading. At most `window` calls at a time; the caller waits for the others.
   */
  read(request: Request, timeoutMs: number): Promise<readonly Reading[]>;
  /**
   * Asks a device which one it is, with the guarantees of `read`: one answer for each part, in their order. There
   * where the driver has a `part`.
   */
  identify?(inquiry: Inquiry, timeoutMs: number): Promise<readonly Told[]>;
}

/** What of a device tells which one it is, such as its serial number. */
export interface Inquiry<Device = unknown, Part = unknown> {
  readonly device: Device;
  readonly parts: readonly { readonly name: string; readonly address: Part }[];
}

/** A text as `visible` in told.ts makes it, or why there is none: what a device does not have it does not tell. */
export type Told =
  | { readonly part: string; readonly text: string }
  | { readonly part: string; readonly fault: BadReason; readonly detail: string };

/** Numbers only: booleans and enumerations become numbers in the codec, their texts live with the point. */
export type Reading = Value | Fault;

export interface Value {
  readonly point: PointId;
  /** Raw, as the device says it. */
  readonly value: number;
  /** What the device says that it is to be multiplied by; absent: 1. */
  readonly scale?: number;
  readonly sourceAt?: Wall;
}

export interface Fault {
  readonly point: PointId;
  readonly fault: BadReason;
  /** For people: what exactly happened, such as "exception 2 (illegal data address)". */
  readonly detail: string;
}

/** Faults that say the device did not answer usefully; every other fault is an answer: device reachable, point bad. */
const silent: ReadonlySet<BadReason> = new Set(["timeout", "unreachable", "bad_reply"]);

/** Whether an exchange counts as answered by the device: at least one reading is a value or an answered fault. */
export function answered(readings: readonly (Reading | Told)[]): boolean {
  return readings.some((reading) => !("fault" in reading) || !silent.has(reading.fault));
}

/** The same fault for every point of a request. */
export function faults(request: AnyRequest, fault: BadReason, detail: string): Fault[] {
  return request.points.map(({ id }) => ({ point: id, fault, detail }));
}

/** Erases the type parameters after checking against them. */
export function defineListening<O, T, B, S extends Closable, D>(listening: Listening<O, T, B, S, D>): Listening {
  return listening as unknown as Listening;
}

/** Erases the type parameters after checking the driver against them. */
export function defineDriver<B, D, A, R extends AnyRequest, S extends Closable, P>(
  driver: Driver<B, D, A, R, S, P>,
): Driver {
  return driver as unknown as Driver;
}
