import type { Told } from "../../../agent/core/call.ts";

/** A medium incident that calls, one that nothing else is known of; whatever differs is said. */
export const told = (differs: Partial<Told> = {}): Told => ({
  kind: "raise",
  reason: null,
  at: 0,
  raisedAt: differs.at ?? 0,
  key: "s/d/p/r",
  severity: "medium",
  annunciate: true,
  audible: false,
  active: true,
  open: true,
  flapping: false,
  ...differs,
});
