import { parseDuration } from "../core/duration.ts";
import type { Agent } from "../pipeline/agent.ts";
import type { AuditLine } from "../store/audit.ts";

/** What was done since so long ago, oldest first. */
export function auditLines(
  agent: Agent,
  { since = "24h" }: { readonly since?: string | undefined },
): readonly AuditLine[] | { readonly error: string } {
  const spanMs = parseDuration(since);
  if (spanMs === null || spanMs === 0) return { error: `since "${since}": expected a duration such as 8h, 30d` };
  return agent.audit.since(agent.status().now - spanMs);
}
