import type { AnyRequest, Closable, Reading, Session } from "../../drivers/driver.ts";
import type { Bus } from "../config/resolved.ts";
import { type Env, within } from "../env.ts";

/** One exchange at a time on a bus, whoever asks; a session that breaks its contract is replaced. */
export interface Turns extends Closable {
  read(request: AnyRequest): Promise<readonly Reading[]>;
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
  return {
    read(request) {
      const mine = turn.then(() => exchange(env, session, request, bus.timeoutMs));
      turn = mine.then(({ broken }) => (broken ? renew() : undefined));
      return mine.then(({ readings }) => readings);
    },
    close: () => session.close(),
  };
}

interface Exchange {
  readonly readings: readonly Reading[];
  readonly broken: boolean;
}

async function exchange(env: Env, session: Session, request: AnyRequest, timeoutMs: number): Promise<Exchange> {
  const failed = (detail: string): Exchange => ({
    readings: request.points.map(({ id }) => ({ point: id, fault: "timeout", detail })),
    broken: true,
  });
  const reading = session.read(request, timeoutMs).then(
    (readings): Exchange => ({ readings, broken: false }),
    (error: unknown) => failed(`driver failed: ${String(error)}`),
  );
  return await within(env, timeoutMs + graceMs, reading, () => failed("no answer in time"));
}
