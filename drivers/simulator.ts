import type { PointId } from "../agent/core/sample.ts";
import type { Inquiry, PlannedPoint } from "./driver.ts";

/**
 * The other side of a driver: serves devices over the real protocol, for the demo and the tests.
 * It encodes with the driver's own codec, so that any profile can be served; what a maker's device does
 * differently is shown by the interoperability tests, not here.
 */
export type StartSimulator = (options: SimulatorOptions) => Promise<RunningSimulator>;

export interface SimulatorOptions {
  readonly host: string;
  /** 0 lets the system choose. A port that is taken rejects with EADDRINUSE. */
  readonly port: number;
  /** Parsed options of the bus, where they tell how it is spoken to; as usual for the protocol if not given. */
  readonly bus?: unknown;
  /** Parsed device and point addresses, as `plan` takes them. */
  readonly points: readonly PlannedPoint[];
  /** The raw number the device holds now for a point; null: the device knows no such point. */
  value(point: PointId): number | null;
  /** What a profile says of a point, for a device that says it too; absent, or undefined of a point: the device makes it up. */
  describe?(point: PointId): Words | undefined;
  /** What the devices tell of themselves, parsed too; `text` null: this one has no such part. */
  readonly identities?: readonly (Inquiry & { text(part: string): string | null })[];
}

export interface Words {
  readonly name: string;
  /** As UCUM writes it. */
  readonly unit: string;
  /** Of its states, by their number. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface RunningSimulator {
  /** 0 for a serial line, which has none. */
  readonly port: number;
  /** Of a serial line: where it is. */
  readonly path?: string;
  /**
   * From now on misbehave as named: one device, parsed as `points` have it, where a bus has several; else all of them.
   * "none" heals.
   * @throws on what the protocol does not have, with what there is
   */
  misbehave(how: string, device?: unknown): void;
  /**
   * Sends a trap, as a profile names it, from where it answers; `device`, parsed as `points` have it: whose, where a bus has several.
   * Absent: it has none, or none that it may send so.
   */
  announce?(trap: unknown, to: Recipient, device?: unknown): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Of traps. */
export interface Recipient {
  readonly address: string;
  readonly port: number;
  /** It acknowledges them, and gets each until it does; there where the protocol's simulator can do that, else it gets each once. */
  readonly isConfirming?: boolean;
}

/**
 * What every protocol has. silent: never answers · slow: answers after 3 s · rubbish: answers bytes that do not decode · error: the
 * protocol's own error · flood: sends without end what answers no question, asked or not.
 */
export const misbehaviours = ["none", "silent", "slow", "rubbish", "error", "flood"] as const;

/** @throws on a fault of another name, with those there are */
export function named<Name extends string>(names: readonly Name[], name: string): Name {
  const found = names.find((one) => one === name);
  if (found === undefined) throw new Error(`no fault "${name}"; expected ${names.join(", ")}`);
  return found;
}
