import { type FollowOptions, follow } from "../centre/follow.ts";
import { type AgentState, type CentreState, type ToldEvent, worstFirst } from "../centre/index.ts";
import { holesIn } from "../core/ranges.ts";
import { severities } from "../core/severity.ts";
import { type Env, within } from "../env.ts";
import { agentLines } from "./centre-view.ts";
import type { Context } from "./context.ts";
import { exit, table } from "./output.ts";

/**
 * For the next shift, of all agents: what is open, silenced and not seen, from what the broker retains; and what happened, as
 * far as the agents' newest events can be had with a key. It acknowledges nothing, and says what it cannot know.
 */
const connectMs = 12_000;
/** What is retained has come when nothing has for so long. */
const silentMs = 2000;
const waitMs = 60_000;
/** Events of each agent that are asked for. */
const eventsMax = 500;

export async function centreHandover(
  options: FollowOptions,
  spanMs: number,
  json: boolean,
  env: Env,
  { output, stopped }: Context,
): Promise<number> {
  const events: (ToldEvent & { readonly agent: string })[] = [];
  let [heardAt, trouble] = [env.clock.mono(), "no answer in time"];
  let up = (): void => {};
  const isUp = new Promise<boolean>((resolve) => {
    up = () => resolve(true);
  });
  const followed = follow(options, env, {
    notice(notice) {
      heardAt = env.clock.mono();
      if (notice.kind === "event") events.push({ ...notice.event, agent: `${notice.site}/${notice.agent}` });
      else if (notice.kind === "link" && notice.up) up();
      else if (notice.kind === "link" && !notice.up) trouble = notice.why;
    },
    shown() {},
  });
  try {
    if (!(await within(env, connectMs, Promise.race([isUp, stopped.then(() => false)]), () => false))) {
      output.message(`centre: ${options.url} cannot be had: ${trouble}`);
      return exit.unavailable;
    }
    const silent = async (): Promise<void> => {
      const began = env.clock.mono();
      while (env.clock.mono() - heardAt < silentMs && env.clock.mono() - began < waitMs)
        await new Promise<void>((resolve) => env.after(200, resolve));
    };
    await silent();
    const asked = [...followed.state.agents.values()].filter((one) => {
      const newest = newestOf(one);
      if (newest === null || one.presence !== "online") return false;
      const { epoch, seq } = newest;
      const from = Math.max(1, seq - eventsMax + 1);
      return followed.ask({ kind: "replay", site: one.site, agent: one.agent, epoch, from, to: seq }) !== null;
    });
    heardAt = env.clock.mono();
    if (asked.length > 0) await silent();
    const wall = env.clock.wall();
    const told = handoverOf(
      followed.state,
      events,
      new Date(wall - spanMs).toISOString(),
      new Date(wall).toISOString(),
      asked.length > 0,
    );
    if (json) output.data(JSON.stringify(told));
    else {
      output.data(`${told.since} to ${told.at}, as the broker ${options.url} and its agents tell it.`);
      for (const line of table([["", "RAISED", "CLEARED", "STILL OPEN"], ...rowsOf(told)])) output.data(line);
      output.data(told.knows);
      for (const one of followed.state.agents.values())
        for (const line of ["", ...agentLines(followed.state, one, wall, output)]) output.data(line);
    }
    return exit.ok;
  } finally {
    await followed.close();
  }
}

/** The highest number that anything retained speaks of. */
function newestOf({ epoch, birth, heartbeat, picture }: AgentState): { epoch: string; seq: number } | null {
  if (epoch === null) return null;
  const ofEpoch = [birth, heartbeat].flatMap((one) => (one?.epoch === epoch ? [one.lastSeq] : []));
  const open = [...picture.open.values()].flatMap((one) => (one.epoch === epoch ? [one.seq] : []));
  const seq = [...ofEpoch, ...open].reduce((most, one) => Math.max(most, one), 0);
  return seq === 0 ? null : { epoch, seq };
}

function handoverOf(
  state: CentreState,
  events: readonly (ToldEvent & { readonly agent: string })[],
  since: string,
  at: string,
  isAsked: boolean,
) {
  const inSpan = events
    .filter((one) => one.at >= since)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq));
  const agents = [...state.agents.values()].map((one) => {
    const { site, agent, presence, lost, silences, blind } = one;
    return { site, agent, presence, lost, silences, blind, open: worstFirst(one.picture) };
  });
  const whole = [...state.agents.values()].every((one) => reachesBack(one, events, since));
  const knows = !isAsked
    ? "What was raised and cleared again meanwhile is not known here: no agent was asked for its events (that takes --key)."
    : whole
      ? "All that happened since then is counted."
      : `Not all that happened since then is known: each agent was asked for its last ${eventsMax} events, and sent what it had.`;
  return { since, at, knows, events: inSpan, agents };
}

/** Whether nothing is missing between the agent's newest event and one from before that. */
function reachesBack(
  one: AgentState,
  events: readonly (ToldEvent & { readonly agent: string })[],
  since: string,
): boolean {
  const newest = newestOf(one);
  const name = `${one.site}/${one.agent}`;
  const before = events.filter(({ agent, at, epoch }) => agent === name && at < since && epoch === newest?.epoch);
  if (newest === null || before.length === 0) return false;
  const got = one.receptions.get(newest.epoch)?.got ?? [];
  return holesIn(got, [Math.max(...before.map(({ seq }) => seq)), newest.seq]).length === 0;
}

function rowsOf({ events, agents, since }: ReturnType<typeof handoverOf>): string[][] {
  const open = agents.flatMap((one) => one.open);
  return severities.toReversed().map((severity) => {
    const raised = new Set([
      ...events.filter((one) => one.kind === "raise" && one.severity === severity).map(({ incidentId }) => incidentId),
      ...open.filter((one) => one.raisedAt >= since && one.severity === severity).map(({ incidentId }) => incidentId),
    ]);
    const cleared = events.filter((one) => one.kind === "clear" && one.severity === severity);
    return [
      severity,
      String(raised.size),
      String(cleared.length),
      String(open.filter((one) => one.severity === severity).length),
    ];
  });
}
