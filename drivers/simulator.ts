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
  /** What the devices tell of themselves, parsed too; `text` null: this one has no such part. */
  readonly identities?: readonly (Inquiry & { text(part: string): string | null })[];
}

export interface RunningSimulator {
  readonly port: number;
  /** From now on misbehave as named; "none" heals. */
  misbehave(how: Misbehaviour): void;
  close(): Promise<void>;
}

export const misbehaviours = ["none", "silent", "slow", "rubbish", "error"] as const;
/** silent: never answers · slow: answers after 3 s · rubbish: answers bytes that do not decode · error: the protocol's own error. */
export type Misbehaviour = (typeof misbehaviours)[number];
