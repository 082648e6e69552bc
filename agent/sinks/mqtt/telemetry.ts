import * as z from "zod";
import type { TelemetryBatch } from "../sink.ts";
import { timestamp } from "./messages.ts";

/** What the agent says of its points' values, where that is switched on. */
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
