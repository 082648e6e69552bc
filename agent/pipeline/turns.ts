import {
  type AnyRequest,
  type Closable,
  faults,
  type Inquiry,
  type Learnt,
  type News,
  type Reading,
  type Session,
  type Told,
} from "../../drivers/driver.ts";
import type { Bus } from "../config/resolved.ts";
import { type Env, within } from "../env.ts";

/** As many exchanges at a time on a bus as it carries, one if nothing else is said; a session that breaks its contract is replaced. */
export interface Turns extends Closable {
  read(request: AnyRequest): Promise<readonly Reading[]>;
  identify(inquiry: Inquiry): Promise<readonly Told[]>;
}

/** A session that does not keep its own deadline is given this much more before its answer is given up. */
const graceMs = 500;

export function turns(env: Env, bus: Bus, shared: Closable, learnt?: Learnt, news?: News): Turns {
  const open = (): Session => bus.driver.open(bus.options, env, shared, learnt, news);
  const take = slots(windowOf(bus));
  let session = open();
  const renew = async (old: Session, why: string): Promise<void> => {
    // Another exchange of it may have been broken as well.
    if (old !== session) return;
    env.report("session.bug", { bus: bus.id, why });
    session = open();
    await within(env, 1000, old.close(), () => undefined).catch(() => {});
  };
  const inTurn = async <T>(work: (on: Session) => Promise<T>, instead: (detail: string) => T): Promise<T> => {
    const free = await take();
    const on = session;
    const { answer, broken } = await exchange(env, (async () => work(on))(), bus.timeoutMs, instead);
    if (broken !== null) void renew(on, broken).then(free);
    else free();
    return answer;
  };
  return {
    read: (request) =>
      inTurn(
        (on) => on.read(request, bus.timeoutMs),
        (detail) => faults(request, "timeout", detail),
      ),
    identify: (inquiry) =>
      inTurn(
        async (on) => (await on.identify?.(inquiry, bus.timeoutMs)) ?? [],
        (detail) => inquiry.parts.map(({ name }) => ({ part: name, fault: "timeout", detail })),
      ),
    close: () => session.close(),
  };
}

export const windowOf = ({ driver, options }: Bus): number => driver.window?.(options) ?? 1;

/** Gives out `count` slots, first come, first served; each is given back by what it resolves with. */
function slots(count: number): () => Promise<() => void> {
  let left = count;
  const waiting: (() => void)[] = [];
  const free = (): void => {
    const first = waiting.shift();
    if (first === undefined) left++;
    else first();
  };
  return async () => {
    if (left > 0) left--;
    else await new Promise<void>((mine) => waiting.push(mine));
    return free;
  };
}

/** A timer that comes late tells of a busy machine, on which the session's own has come late, too: then it has its grace once more. */
async function inTime<T>(env: Env, ms: number, work: Promise<T>, late: () => T, again = 5): Promise<T> {
  const dueAt = env.clock.mono() + ms;
  const settled = work.then((answer) => ({ answer }));
  const first = await within(env, ms, settled, () => null);
  if (first !== null) return first.answer;
  const isStarved = env.clock.mono() - dueAt > graceMs / 5;
  return isStarved && again > 0 ? await inTime(env, graceMs, work, late, again - 1) : late();
}

interface Exchange<T> {
  readonly answer: T;
  /** What the session did instead; null: it kept its contract. */
  readonly broken: string | null;
}

async function exchange<T>(
  env: Env,
  work: Promise<T>,
  timeoutMs: number,
  instead: (detail: string) => T,
): Promise<Exchange<T>> {
  const failed = (detail: string): Exchange<T> => ({ answer: instead(detail), broken: detail });
  const answer = work.then(
    (answer): Exchange<T> => ({ answer, broken: null }),
    (error: unknown) => failed(`driver failed: ${String(error)}`),
  );
  return await inTime(env, timeoutMs + graceMs, answer, () => failed("no answer in time"));
}
