import type { Kpi, Target } from "../core/kpi.ts";
import type { Agent } from "../pipeline/agent.ts";

/** What `mepwatch kpi` shows, as data: figures of the last 24 hours, each with what the standards ask of it. */
export interface KpiSnapshot {
  readonly at: string;
  readonly site: string;
  readonly kpis: readonly {
    readonly name: string;
    readonly what: string;
    /** In `unit`; a share is 0 … 1. Null: nothing to tell it from. */
    readonly value: number | null;
    readonly unit: Kpi["unit"];
    readonly target: Target | null;
    readonly met: boolean | null;
  }[];
}

export function kpiSnapshot(agent: Agent): KpiSnapshot {
  const { now, site } = agent.status();
  return {
    at: new Date(now).toISOString(),
    site: site.id,
    kpis: agent.kpis().map(({ isMet, ...kpi }) => ({ ...kpi, met: isMet })),
  };
}
