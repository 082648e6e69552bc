import type { Env } from "../../env.ts";
import type { SinkHooks } from "../sink.ts";
import { ackMessage, type StateMessage, stateMessage } from "./commands.ts";
import type { Inbound, Link } from "./link.ts";
import type { Topics } from "./topics.ts";

/** What the centre says without being asked: whether it is there, and what has arrived. */
export interface Presence {
  /** Whether somebody listens, as far as that is known. */
  readonly isHere: boolean;
}

export interface CentreOptions {
  /** Whose presence counts; null: whoever is subscribed. */
  readonly centre: string | null;
  readonly delivery: "broker" | "centre";
}

interface Hearing {
  readonly env: Env;
  readonly topics: Topics;
  readonly hooks: Pick<SinkHooks, "onAck" | "onHeard">;
  readonly options: CentreOptions;
}

/** How long a centre that was there is waited for, before it is told that it is away. */
const patienceMs = 5000;

/** Settles when the broker has taken, or refused, the subscriptions. */
export async function hear(link: Link, { env, topics, hooks, options }: Hearing): Promise<Presence> {
  const { centre, delivery } = options;
  let state: StateMessage | null = null;
  let isOver = false;
  void link.lost.then(() => {
    isOver = true;
  });
  const isHere = (): boolean => centre === null || state?.online === true;
  const tellAway = (): void => {
    if (!isHere() && !isOver) env.report("centre.away", { centre });
  };
  const onState = ({ payload }: Inbound): void => {
    const said = parsed(stateMessage, payload);
    // The Will of an older presence may come after the newer one.
    if (said === null || (state !== null && said.timestamp < state.timestamp)) return;
    const was = state?.online === true;
    state = said;
    if (said.online && !was) hooks.onHeard();
    else if (was) tellAway();
  };
  const onAck = ({ payload }: Inbound): void => {
    const said = parsed(ackMessage, payload);
    if (said !== null) hooks.onAck(said);
  };
  if (delivery === "centre") await link.listen(topics.ack, onAck);
  if (centre !== null) {
    await link.listen(topics.state(centre), onState);
    env.after(patienceMs, tellAway);
  }
  return {
    get isHere() {
      return isHere();
    },
  };
}

/** Larger is none of ours. */
const bytesMax = 64 * 1024;

function parsed<T>(
  schema: { safeParse(value: unknown): { success: boolean; data?: T | undefined } },
  payload: Buffer,
): T | null {
  if (payload.length > bytesMax) return null;
  try {
    return schema.safeParse(JSON.parse(payload.toString())).data ?? null;
  } catch {
    return null;
  }
}
