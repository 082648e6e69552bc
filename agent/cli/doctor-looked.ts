import type { PointValue } from "../api/status.ts";
import type { Device } from "../config/resolved.ts";
import type { IdentityStatus } from "../pipeline/identities.ts";
import type { UnitApart } from "./doctor-units.ts";

/** What a device says now, however it was asked. */
export interface Looked {
  readonly device: Device;
  /** Of all its points. */
  readonly values: readonly PointValue[];
  /** Null: nothing tells it from another. */
  readonly identity: IdentityStatus | null;
  /** What else was found out about a device that tells nothing. */
  readonly guess: Guess | null;
  /** Where the device and its profile do not agree. */
  readonly units: readonly UnitApart[];
}

/** What is wrong with the addressing, where the device itself shows it. */
export interface Guess {
  readonly what: string;
  readonly remedy: string;
}

/** Whether a value is bad as the device did not answer. */
export const isUnanswered = ({ reason }: PointValue): boolean =>
  /^(timeout|unreachable|bad_reply): /.test(reason ?? "");

export const isSilent = ({ values }: Pick<Looked, "values">): boolean =>
  values.length > 0 && values.every(isUnanswered);

/** Whether it is the way to the bus that is not there, and not only the device: one may end the connection for a wrong unit. */
export const isOfTheWay = (reason: string | null): boolean =>
  reason !== null &&
  /^(unreachable: (?!exception |connection closed|.*ECONNRESET)|timeout: no connection )/.test(reason);
