import type { Env } from "../../env.ts";
import type { SinkHooks } from "../sink.ts";
import { ackMessage, type StateMessage, stateMessage } from "./commands.ts";
import type { Arrival, Ear, Link } from "./link.ts";
import type { Topics } from "./topics.ts";

/** What the centre says without being asked: whether it is there, and what has arrived. */
export interface Presence {
  readonly ears: readonly Ear[];
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

export function presenceOn(link: Link, { env, topics, hooks, options }: Hearing): Presence {
  const { centre, delivery } = options;
  let state: StateMessage | null = null;
  const isHere = (): boolean => centre === null || state?.online === true;
  const tellAway = (): void => {
    if (!isHere()) env.report("centre.away", { centre });
  };
  const onState = ({ payload }: Arrival): void => {
    const said = parsed(stateMessage, payload);
    // The Will of an older presence may come after the newer one.
    if (said === null || (state !== null && said.timestamp < state.timestamp)) return;
    const was = state?.online === true;
    state = said;
    if (said.online && !was) hooks.onHeard();
    else if (was) tellAway();
  };
  const onAck = ({ payload }: Arrival): void => {
    const said = parsed(ackMessage, payload);
    if (said !== null) hooks.onAck(said);
  };
  const ears: Ear[] = delivery === "centre" ? [{ filter: topics.ack, wantsKept: true, hear: onAck }] : [];
  if (centre !== null) {
    ears.push({ filter: topics.state(centre), wantsKept: true, hear: onState });
    const cancel = env.after(patienceMs, tellAway);
    void link.lost.then(cancel);
  }
  return {
    ears,
    get isHere() {
      return isHere();
    },
  };
}

/** Larger is none of ours. */
const bytesMax = 64 * 1024;

function parsed<T>(
  schema: { safeParse(value: unknown): { success: boolean; data?: T | undefined } },
  payload: Uint8Array,
): T | null {
  if (payload.length > bytesMax) return null;
  try {
    return schema.safeParse(JSON.parse(Buffer.from(payload).toString())).data ?? null;
  } catch {
    return null;
  }
}
