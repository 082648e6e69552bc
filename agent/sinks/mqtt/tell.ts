import type { Env } from "../../env.ts";
import type { AgentEventCode } from "../../events.ts";
import type { Ack } from "./link.ts";

export interface Tell {
  (code: AgentEventCode, broker: string, why: string): void;
  /** What was told last, unless all is well. */
  trouble(): string | null;
}

/** Reports how it stands with a broker when it is another than the last. */
export function teller(env: Env): Tell {
  const last = new Map<string, AgentEventCode>();
  let trouble: string | null = "not connected yet";
  const tell = (code: AgentEventCode, broker: string, why: string): void => {
    trouble = code === "broker.connected" ? null : why;
    if (code === last.get(broker)) return;
    last.set(broker, code);
    env.report(code, why === "" ? { broker } : { broker, why });
  };
  return Object.assign(tell, { trouble: () => trouble });
}

export function tellTrouble(tell: Tell, broker: string, trouble: Exclude<Ack, { kind: "lost" }>): void {
  if (trouble.kind === "refused") tell("broker.refused", broker, trouble.why);
  else tell("broker.unheard", broker, "nobody is subscribed to the events");
}
