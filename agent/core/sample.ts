/** One observation of one point. Everything downstream of a driver speaks Sample. */

/** Milliseconds of engine time: monotonic, continued across restarts. Orders and measures; never shown. */
export type Mono = number;

/** Milliseconds since the Unix epoch. Stamps what people read; never ordered by, never subtracted. */
export type Wall = number;

/** `device/point`, or `device/$name` for what the agent itself knows of a device (see `commPoint`). */
export type PointId = string;

/** An instant on both clocks. */
export interface Instant {
  readonly at: Mono;
  readonly wall: Wall;
}

/** Null: there is none. */
export const earliest = (times: readonly (Mono | null)[]): Mono | null =>
  times.reduce((least, at) => (least === null || (at !== null && at < least) ? at : least), null);

interface Observed extends Instant {
  readonly point: PointId;
  /** When the device says it observed the value, ms since the Unix epoch; absent if it does not say. */
  readonly sourceAt?: Wall;
}

export interface GoodSample extends Observed {
  readonly quality: "good";
  readonly value: number;
}

export interface UncertainSample extends Observed {
  readonly quality: "uncertain";
  readonly value: number;
  readonly reason: BadReason;
}

/** A bad sample carries no value, so that no rule can compare one by mistake. */
export interface BadSample extends Observed {
  readonly quality: "bad";
  readonly reason: BadReason;
}

export type Sample = GoodSample | UncertainSample | BadSample;

/** Why a sample is not good. The first group is a fault of the exchange, the second of the value, the third of the device. */
export const badReasons = [
  "timeout",
  "unreachable",
  "bad_reply",
  "device_error",
  "no_such_point",
  "not_available",
  "wrong_type",
  "not_finite",
  "sentinel",
  "implausible",
  "out_of_service",
  "device_fault",
  "identity_mismatch",
  "identity_unknown",
] as const;
export type BadReason = (typeof badReasons)[number];

/** The point on which the shell reports each exchange with a device: 1 answered, 0 did not. */
export const commPoint = (device: string): PointId => `${device}/$comm`;

/** The point on which the shell reports whether a device is the one it should be (`verdicts` in identity.ts). */
export const identityPoint = (device: string): PointId => `${device}/$identity`;
