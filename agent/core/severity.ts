/** Least to most severe; the order is the meaning. */
export const severities = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

/** 1 … 5; 0 is left for "nothing wrong". */
export const rank = (severity: Severity): number => severities.indexOf(severity) + 1;

/** P1 (critical) … P5 (info): what the centre starts from; it knows the impact, the edge does not. */
export const priorityHint = (severity: Severity): "P1" | "P2" | "P3" | "P4" | "P5" =>
  ({ critical: "P1", high: "P2", medium: "P3", low: "P4", info: "P5" })[severity] as "P1" | "P2" | "P3" | "P4" | "P5";
