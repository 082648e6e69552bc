import {
  type AnyRequest,
  type Closable,
  faults,
  type Inquiry,
  type Reading,
  type Session,
  type Told,
} from "../../drivers/driver.ts";
import type { Bus } from "../config/resolved.ts";
import { type Env, within } from "../env.ts";

/** One exchange at a time on a bus, whoever asks; a session that breaks its contract is replaced. */
export interface Turns extends Closable {
  read(request: AnyRequest): Promise<readonly Reading[]>;
  identify(inquiry: Inquiry): Promise<readonly Told[]>;
}

/** A session that does not keep its own deadline is given this much more before its answer is given up. */
const graceMs = 500;

export function turns(env: Env, bus: Bus, shared: Closable): Turns {
  const open = (): Session => bus.driver.open(bus.options, env, shared);
  let session = open();
  let turn: Promise<unknown> = Promise.resolve();
  const renew = async (): Promise<void> => {
    env.report("session.bug", { bus: bus.id });
    const old = session;
    session = open();
    await within(env, 1000, old.close(), () => undefined).catch(() => {});
  };
  const inTurn = <T>(work: (on: Session) => Promise<T>, instead: (detail: string) => T): Promise<T> => {
    const mine = turn.then(() => exchange(env, work(session), bus.timeoutMs, instead));
    turn = mine.then(({ broken }) => (broken ? renew() : undefined));
    return mine.then(({ answer }) => answer);
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

interface Exchange<T> {
  readonly answer: T;
  readonly broken: boolean;
}

async function exchange<T>(
  env: Env,
  work: Promise<T>,
  timeoutMs: number,
  instead: (detail: string) => T,
): Promise<Exchange<T>> {
  const failed = (detail: string): Exchange<T> => ({ answer: instead(detail), broken: true });
  const answer = work.then(
    (answer): Exchange<T> => ({ answer, broken: false }),
    (error: unknown) => failed(`driver failed: ${String(error)}`),
  );
  return await within(env, timeoutMs + graceMs, answer, () => failed("no answer in time"));
}
