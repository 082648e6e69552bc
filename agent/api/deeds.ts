import * as z from "zod";
import type { Role } from "../core/authority.ts";
import type { Refusal } from "../core/command.ts";
import type { Agent } from "../pipeline/agent.ts";
import type { Deed } from "../pipeline/deeds.ts";
import { sayUnknown } from "./explain.ts";

/** What people do to incidents through the local API; who may open the socket has the role that the settings give. */
const deedSchema = z.strictObject({
  name: z.enum([
    "ack",
    "unack",
    "reset",
    "shelve",
    "unshelve",
    "maintenance",
    "maintenance_end",
    "out_of_service",
    "in_service",
  ]),
  target: z.string().min(1).max(1000),
  user: z.string().min(1).max(100),
  reason: z.string().max(500).default(""),
  forMs: z.number().positive().nullable().default(null),
  mode: z.string().max(64).optional(),
  rev: z.int().positive().optional(),
  second: z.string().min(1).max(100).optional(),
  breakGlass: z.boolean().default(false),
  preview: z.boolean().default(false),
});
export type DeedBody = z.input<typeof deedSchema>;

export interface DeedAnswer {
  readonly preview: boolean;
  readonly conditions: readonly {
    readonly conditionKey: string;
    readonly result: "ok" | "rejected" | "preview";
    readonly code?: Refusal["code"];
    readonly detail?: string;
  }[];
}

/** The answer, or why there is none. */
export function doDeed(agent: Agent, role: Role, body: unknown): DeedAnswer | { readonly error: string } {
  const parsed = deedSchema.safeParse(body);
  if (!parsed.success) return { error: parsed.error.issues.map(sayIssue).join("; ") };
  const { user, second, breakGlass, preview, ...rest } = parsed.data;
  const deed: Deed = { ...rest, by: { user, role, second, breakGlass } };
  const done = agent.command(deed, preview);
  if (typeof done === "string") return { error: done };
  if ("found" in done) return { error: sayUnknown(done) };
  return {
    preview,
    conditions: done.map(({ key, refused }) => ({
      conditionKey: key,
      result: refused !== null ? "rejected" : preview ? "preview" : "ok",
      ...(refused === null ? {} : { code: refused.code, detail: refused.detail }),
    })),
  };
}

export const sayIssue = ({ path, message }: z.core.$ZodIssue): string => `${path.map(String).join(".")}: ${message}`;

export interface SilenceSnapshot {
  readonly conditionKey: string;
  readonly how: string;
  /** Null: it is none. */
  readonly mode: string | null;
  readonly by: string;
  readonly reason: string;
  /** Null: until it clears, or is placed back. */
  readonly until: string | null;
}

export const silences = (agent: Agent): SilenceSnapshot[] =>
  agent.silences().map(({ key, how, mode, by, reason, until }) => ({
    conditionKey: key,
    how,
    mode,
    by,
    reason,
    until: until === null ? null : new Date(until).toISOString(),
  }));
