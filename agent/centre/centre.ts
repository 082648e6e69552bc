import type { Instant } from "../core/sample.ts";
import { type AgentState, type Asked, asking, heard, unheard } from "./agent.ts";
import { decode, plain } from "./decode.ts";
import { type DueOptions, dueOf } from "./due.ts";
import type { AgentNotice, Effect, Notice } from "./notices.ts";

/**
 * A consumer of what agents publish: any number of sites and agents. Pure: what came, and when, gives the next state, what
 * there is to tell, and what is to be done. Messages may come in any order, twice, or not at all; nothing that comes throws.
 */
export function centre(state: CentreState, input: Input, now: Instant): Step {
  switch (input.kind) {
    case "message":
      return onMessage(state, input, now);
    case "tick":
      return onTick(state, now);
    case "link":
      return { state: linked(state, input.up, now), notices: [], effects: [] };
    case "sent": {
      const agent = state.agents.get(nameOf(input));
      if (agent === undefined) return { state, notices: [], effects: [] };
      return { state: withAgent(state, asking(agent, input.cmdId, input)), notices: [], effects: [] };
    }
  }
}

export type Input =
  /** `retained`: the broker kept it, as the flag of the message says. */
  | { readonly kind: "message"; readonly topic: string; readonly payload: Uint8Array; readonly retained: boolean }
  /** Time has passed: at least once a second. */
  | { readonly kind: "tick" }
  /** Our own connection: while it is away no agent is lost by its silence. Up: all topics are subscribed to anew. */
  | { readonly kind: "link"; readonly up: boolean }
  /** A command that was an effect is on its way under this id. */
  | ({ readonly kind: "sent"; readonly site: string; readonly agent: string; readonly cmdId: string } & Asked);

export interface Step {
  readonly state: CentreState;
  readonly notices: readonly Notice[];
  readonly effects: readonly Effect[];
}

export interface CentreOptions extends DueOptions {
  /** First level of every topic. */
  readonly prefix: string;
}

export interface CentreState {
  readonly options: CentreOptions;
  /** Our own connection, and since when it is so. */
  readonly link: { readonly up: boolean; readonly since: Instant };
  /** By SITE/AGENT. */
  readonly agents: ReadonlyMap<string, AgentState>;
  /** Messages that were none of the contract. */
  readonly invalid: number;
}

/** More than this many agents are not followed. */
const agentsMax = 10_000;

/** Knows nothing yet; what is retained tells it what is open, silenced and not seen. */
export const initial = (options: CentreOptions, now: Instant): CentreState => ({
  options,
  link: { up: false, since: now },
  agents: new Map(),
  invalid: 0,
});

/** Whether what the agent has said may no longer hold. Never a reason to take an incident for cleared. */
export const isStale = ({ link }: CentreState, { presence }: AgentState): boolean => !link.up || presence !== "online";

const nameOf = ({ site, agent }: { readonly site: string; readonly agent: string }): string => `${site}/${agent}`;

const ofAgent = ({ site, agent }: Pick<AgentState, "site" | "agent">, one: AgentNotice): Notice => ({
  site,
  agent,
  ...one,
});

const withAgent = (state: CentreState, agent: AgentState): CentreState => ({
  ...state,
  agents: new Map(state.agents).set(nameOf(agent), agent),
});

function onMessage(
  state: CentreState,
  { topic, payload, retained }: Extract<Input, { kind: "message" }>,
  now: Instant,
): Step {
  const said = decode(state.options.prefix, topic, payload);
  if (said === null) return { state, notices: [], effects: [] };
  if (said.what === "invalid") return refused(state, topic, said.why);
  const known = state.agents.get(nameOf(said));
  if (known === undefined && state.agents.size >= agentsMax)
    return refused(state, topic, `more than ${agentsMax} agents`);
  const { site, agent } = said;
  const turn = heard(known ?? unheard(site, agent, now), said, retained, state.options.isWholeStream, now);
  return {
    state: withAgent(state, turn.agent),
    notices: turn.notices.map((one) => ofAgent(said, one)),
    effects: [],
  };
}

const refused = (state: CentreState, topic: string, why: string): Step => ({
  state: { ...state, invalid: state.invalid + 1 },
  notices: [{ kind: "invalid", topic: plain(topic.slice(0, 300)), why }],
  effects: [],
});

function onTick(state: CentreState, now: Instant): Step {
  if (!state.link.up) return { state, notices: [], effects: [] };
  const due = [...state.agents].map(([name, agent]) => [name, dueOf(agent, state.options, now)] as const);
  return {
    state: { ...state, agents: new Map(due.map(([name, { agent }]) => [name, agent])) },
    notices: due.flatMap(([, { agent, notices }]) => notices.map((one) => ofAgent(agent, one))),
    effects: due.flatMap(([, { effects }]) => effects),
  };
}

/** The silence of agents counts from the moment at which they can be heard; what was acknowledged may not have arrived. */
function linked(state: CentreState, up: boolean, now: Instant): CentreState {
  const link = { up, since: now };
  if (!up) {
    const waiting = [...state.agents].map(([name, agent]) => [name, { ...agent, deathAt: null }] as const);
    return { ...state, link, agents: new Map(waiting) };
  }
  const agents = [...state.agents].map(([name, agent]) => {
    const { at } = now;
    return [name, { ...agent, heardAt: { ...agent.heardAt, at }, heartbeatAt: null, acked: new Map() }] as const;
  });
  return { ...state, link, agents: new Map(agents) };
}
