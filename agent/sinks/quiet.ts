import * as z from "zod";
import { badReasons } from "../core/sample.ts";

/**
 * What keeps the agent quiet: what people have silenced, and what it cannot see. Without it nobody can tell whether
 * nothing is wrong or nothing is told.
 */
const timestamp = z.iso.datetime().describe("RFC 3339, UTC, milliseconds.");

export const silence = z.strictObject({
  how: z.enum(["shelved", "maintenance", "mode", "out_of_service"]),
  mode: z.string().optional().describe("Its name, where it is one."),
  by: z.string(),
  reason: z.string(),
  until: timestamp.nullable().describe("Null: until it clears, or is placed back."),
  count: z.int().min(1).describe("Conditions that it silences, whether they are active or normal now."),
  conditions: z.array(z.string()).describe("Their keys, as many of them as there is room for."),
});
export type SilenceFacts = z.output<typeof silence>;

export const modeInForce = z.strictObject({
  mode: z.string(),
  target: z.string().describe("Of what, in the words of whoever began it."),
  by: z.string(),
  reason: z.string(),
  beganAt: timestamp,
  until: timestamp,
  overdue: z.boolean().describe("Its end has passed, and what is expected of it goes on."),
});
export type ModeFacts = z.output<typeof modeInForce>;

export const blindness = z.strictObject({
  device: z.string(),
  why: z
    .enum([...badReasons, "not_read", "stale"])
    .describe("Why its points are not good. not_read: not read yet since the agent started. stale: no longer read."),
  since: timestamp.describe("Since when the first of them is not good."),
  count: z.int().min(1).describe("Points of the device that are not good for this reason."),
  points: z
    .array(z.string())
    .optional()
    .describe("Their ids within the device, as many as there is room for; absent: all that the device has."),
});
export type BlindFacts = z.output<typeof blindness>;

export interface QuietFacts {
  readonly configHash: string;
  readonly silences: readonly SilenceFacts[];
  readonly modes: readonly ModeFacts[];
  readonly pointsExpected: number;
  readonly blind: readonly BlindFacts[];
}
