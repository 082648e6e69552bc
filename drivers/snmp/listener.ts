import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Env } from "../../agent/env.ts";
import type { Hint, Listener, ListenerStatus, ListenHooks } from "../driver.ts";
import { trapBudget } from "../trap-budget.ts";
import type { Engines } from "./engines.ts";
import { type LocalEngine, localEngine } from "./local-engine.ts";
import { alike, textOfValue } from "./notification.ts";
import { communityReceiver, isV3, type Received, refused } from "./received.ts";
import type { Bus } from "./schema.ts";
import type { Trap, TrapOptions } from "./trap-schema.ts";
import { userReceiver } from "./user-receiver.ts";

/** Hears traps and informs. What is within the budget is judged at once, so that nothing waits and nothing piles up. */

type Hooks = ListenHooks<Bus, Trap>;
type Send = (datagram: Buffer) => void;

/** More than any trap has: they are made to fit a packet. */
const octetsMax = 8192;
const bindingsMax = 50;

/** The listener without its socket. */
export interface Ear {
  /** Total: whatever the datagram is. @param send answers its sender */
  hear(datagram: Buffer, source: string, send: Send): void;
  status(): Omit<ListenerStatus, "at" | "trouble">;
}

export function earOf(options: TrapOptions, env: Env, engines: Engines, hooks: Hooks): Ear {
  const local = localEngine(env, hooks.kept, hooks.keep);
  const receive = receiverOf(options, env, engines, local);
  const isWithinBudget = trapBudget(env);
  const counts = { received: 0, answered: 0, dropped: 0 };
  const reasons = new Map<string, ListenerStatus["refused"][number]>();

  return {
    hear(datagram, source, send) {
      counts.received++;
      if (!isWithinBudget(source, engines.at(source).length > 0)) {
        counts.dropped++;
        hooks.onDropped(source);
        return;
      }
      const heard = receive(datagram);
      if (heard.kind === "notification") {
        hooks.onHint(hintOf(heard, source, engines));
        if (heard.confirm) send(heard.confirm());
        return;
      }
      if (heard.reply) send(heard.reply);
      if (heard.kind === "asked") counts.answered++;
      else {
        const { why } = heard;
        const count = (reasons.get(why)?.count ?? 0) + 1;
        reasons.set(why, { why, count, source, at: env.clock.wall() });
      }
    },
    status: () => ({
      ...counts,
      known: `engine ${local.engineId.toString("hex")}, boots ${local.boots}`,
      refused: [...reasons.values()],
    }),
  };
}

function receiverOf(
  { communities = [], users = [] }: TrapOptions,
  env: Env,
  engines: Engines,
  local: LocalEngine,
): (datagram: Buffer) => Received {
  const ofCommunity = communityReceiver(new Set(communities.map((one) => one.reveal())));
  const ofUser = userReceiver(users, { env, engines, local });
  return (datagram) => {
    if (datagram.length > octetsMax) return refused(`larger than ${octetsMax} octets`);
    return isV3(datagram) ? ofUser(datagram) : ofCommunity(datagram);
  };
}

/** The agent's address in a trap is heeded only where a proxy has sent it on: anybody can write it. */
function hintOf(
  { notification, by }: Extract<Received, { kind: "notification" }>,
  source: string,
  engines: Engines,
): Hint<Bus, Trap> {
  const { oid, agentAddress, bindings } = notification;
  const direct = engines.at(source);
  return {
    ...{ source, by, trap: oid },
    buses: direct.length > 0 || agentAddress === undefined ? direct : engines.at(agentAddress),
    bindings: bindings.slice(0, bindingsMax).map((one) => ({ name: one.oid, text: textOfValue(one.value) })),
    isOf: (trap) => alike(trap.oid) === alike(oid),
  };
}

const againMs = 30_000;

export function listen(options: TrapOptions, env: Env, engines: Engines, hooks: Hooks): Listener {
  const ear = earOf(options, env, engines, hooks);
  let socket: Socket | undefined;
  let at = `${options.address}:${options.port}`;
  let trouble: string | null = null;
  let cancel = (): void => {};
  let isClosed = false;
  let { passed } = hooks;

  const fail = (broken: Socket, error: Error): void => {
    if (isClosed || socket !== broken) return;
    socket = undefined;
    broken.close();
    if (trouble === null) env.report("traps.deaf", { at, error: error.message });
    trouble = error.message;
    cancel = env.after(againMs, open);
  };
  const open = (): void => {
    // Not shared with another process: the system would hand it a part of the traps.
    const opened = createSocket({ type: options.address.includes(":") ? "udp6" : "udp4", reuseAddr: false });
    socket = opened;
    opened.on("error", (error) => fail(opened, error));
    opened.once("listening", () => {
      const { address, port } = opened.address();
      at = `${address}:${port}`;
      trouble = null;
      env.report("traps.listening", { at });
    });
    opened.on("message", (datagram, from) =>
      ear.hear(datagram, sourceOf(from), (reply) => opened.send(reply, from.port, from.address, () => {})),
    );
    const place = passed === null ? { port: options.port, address: options.address } : { fd: passed };
    passed = null; // once closed, it is gone
    try {
      opened.bind({ ...place, exclusive: true });
    } catch (error) {
      fail(opened, error as Error); // what was passed is no socket for datagrams
    }
  };

  open();
  return {
    status: () => ({ at, trouble, ...ear.status() }),
    close() {
      cancel();
      if (isClosed) return Promise.resolve();
      isClosed = true;
      return new Promise((resolve) => (socket ? socket.close(() => resolve()) : resolve()));
    },
  };
}

/** An IPv4 address as IPv4 has it, also where it came through a socket of IPv6. */
const sourceOf = ({ address }: RemoteInfo): string => address.replace(/^::ffff:(?=\d+\.)/, "");
