import * as z from "zod";
import type { Role } from "../core/authority.ts";
import type { Agent } from "../pipeline/agent.ts";
import { sayIssue } from "./deeds.ts";

/** Taking a device for the right one, through the local API. */
const acceptSchema = z.strictObject({
  device: z.string().min(1).max(64),
  user: z.string().min(1).max(100),
  reason: z.string().max(500),
  preview: z.boolean().default(false),
});
export type AcceptBody = z.input<typeof acceptSchema>;

export interface AcceptAnswer {
  readonly preview: boolean;
  readonly device: string;
  /** What it told of itself, part by part: as it was accepted before, and from now on. */
  readonly was: Readonly<Record<string, string>>;
  readonly is: Readonly<Record<string, string>>;
}

/** The answer, or why there is none. */
export function doAccept(agent: Agent, role: Role, body: unknown): AcceptAnswer | { readonly error: string } {
  const parsed = acceptSchema.safeParse(body);
  if (!parsed.success) return { error: parsed.error.issues.map(sayIssue).join("; ") };
  const { device, user, reason, preview } = parsed.data;
  const answer = agent.acceptDevice({ device, by: { user, role }, reason }, preview);
  if ("code" in answer) return { error: `${device}: refused, ${answer.detail} (${answer.code})` };
  return { preview, ...answer };
}
