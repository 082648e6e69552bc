import type { News, Speaker } from "../../../../agent/sinks/notify/notice.ts";

export const speaker: Speaker = { site: "fra-1", agent: "edge-1" };
export const canary = "hunter2-canary";
const incidentId = "00000000-0000-8000-8000-00000000000a";

/** Two of one incident, and one of none. */
export const raised: News = {
  ...{ key: `${incidentId}:critical`, kind: "raise", incidentId, conditionKey: "fra-1/crac-1/running/stopped" },
  ...{
    severity: "critical",
    text: "Hall 1 CRAC-1 stopped since 03:04 – 33.4 °C.",
    raisedAt: "2026-01-02T03:04:05.678Z",
  },
  at: "2026-01-02T03:09:05.678Z",
};
export const over: News = {
  ...raised,
  key: `${incidentId}:clear`,
  kind: "clear",
  text: "Hall 1 CRAC-1 back to normal.",
};
export const down: News = {
  ...{ key: "uplink_down:2026-01-02T03:04:05.678Z", kind: "uplink_down", severity: "critical" },
  ...{ text: "Uplink down for 5 min.", at: "2026-01-02T03:09:05.678Z" },
};
