import * as z from "zod";
import type { TelemetryBatch } from "../sink.ts";
import { sessionId, timestamp } from "./messages.ts";

/** What the agent says of itself and, where that is switched on, of its points' values. */
export const diagMessage = z.strictObject({
  at: timestamp,
  sessionId,
  level: z.enum(["info", "warn", "error"]),
  code: z.string().describe("clock.step, config.rejected, storage.degraded, command.refused, audit …"),
  text: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type DiagMessage = z.output<typeof diagMessage>;

export const telemetryMessage = z.strictObject({
  point: z.string().describe("DEVICE/POINT"),
  unit: z.string().describe("UCUM code."),
  samples: z
    .array(z.tuple([timestamp, z.number().nullable(), z.enum(["good", "uncertain", "bad"])]))
    .min(1)
    .max(500)
    .describe("Those that tell something new, oldest first: each holds until the next."),
});
export type TelemetryMessage = z.output<typeof telemetryMessage>;

export const telemetryMessageOf = ({ samples, ...of }: TelemetryBatch): TelemetryMessage => ({
  ...of,
  samples: samples.map(([wall, value, quality]) => [new Date(wall).toISOString(), value, quality]),
});
