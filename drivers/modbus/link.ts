import { connect } from "node:net";
import M from "modbus-serial";
import type { Env } from "../../agent/env.ts";
import { type Failure, failureOf } from "./failure.ts";
import { functionCodes, guard } from "./frame.ts";
import type { Request } from "./plan.ts";
import { type Bus, hasWords } from "./schema.ts";

/** Registers, or bits as 0 and 1: as many as asked. */
export type Answer = { readonly data: readonly number[] } | Failure;

/**
 * One TCP connection, with the library on top of it. The socket is ours, for the library leaks one at each failed
 * connect and does not tell of a reset. Whatever leaves in doubt to which request the next bytes belong, a timeout
 * first of all, ends the link: a late reply then finds no socket, and never becomes another point's value.
 */
export interface Link {
  /** False once ended, by either side; make another. */
  readonly usable: boolean;
  /**
   * Asks, after connecting if need be. Settles within `ms`, never rejects. One at a time: many devices drop or mix up
   * a second request.
   */
  ask(request: Request, ms: number): Promise<Answer>;
  /** Fails the request under way with this and destroys the socket. */
  end(failure: Failure): void;
}

interface Exchange {
  readonly flaw: (chunk: Buffer) => string | undefined;
  settle(answer: Answer): void;
}

/** Starts to connect. No timeout is set in the library: `ask` has the only one, on the clock of the agent. */
export function dial({ host, port }: Bus, env: Env): Link {
  const socket = connect({ host, port, noDelay: true });
  const client = new M.default();
  let exchange: Exchange | undefined;

  function end(failure: Failure): void {
    socket.destroy();
    exchange?.settle(failure);
  }

  // The listener for "data" comes before the library's, so that a flaw settles the exchange before the library sees it.
  socket.on("data", (chunk) => {
    const flaw = exchange ? exchange.flaw(chunk) : "a reply that nobody asked for";
    if (flaw) end({ fault: "bad_reply", detail: flaw });
  });
  socket.on("connect", () => client.linkTCP(socket, { port }, () => {}));
  socket.on("error", (error) => end(failureOf(error)));
  socket.on("close", () => end({ fault: "unreachable", detail: "connection closed by the device" }));

  function ask(request: Request, ms: number): Promise<Answer> {
    return new Promise((resolve) => {
      const cancel = env.after(ms, () => {
        const what = socket.connecting ? `connection to ${host}:${port}` : "answer";
        end({ fault: "timeout", detail: `no ${what} within ${Math.round(ms)} ms` });
      });
      const mine: Exchange = {
        flaw: guard(expectedOf(request)),
        settle(answer) {
          // The library calls back again for a duplicate of an earlier reply.
          if (exchange !== mine) return;
          exchange = undefined;
          cancel();
          resolve(answer);
        },
      };
      exchange = mine;
      const send = () =>
        sendRead(client, request, (answer) => {
          if ("fault" in answer && answer.exception === undefined && exchange === mine) end(answer);
          mine.settle(answer);
        });
      if (socket.connecting) socket.once("connect", send);
      else send();
    });
  }

  return {
    get usable() {
      return socket.writable;
    },
    ask,
    end,
  };
}

function expectedOf({ unit, table, count }: Request) {
  return { unit, code: functionCodes[table], bytes: hasWords(table) ? count * 2 : Math.ceil(count / 8) };
}

/** The unit goes with the call: one set beforehand (`setID`) may be another's by the time of sending. */
function sendRead(client: InstanceType<typeof M.default>, request: Request, done: (answer: Answer) => void): void {
  const { unit, table, start, count } = request;
  const whenRead = (error: unknown, reply: { data: readonly (number | boolean)[] }): void => {
    if (error) {
      done(failureOf(error));
      return;
    }
    // Coils come padded to whole bytes.
    const data = reply.data.slice(0, count).map(Number);
    done(data.length === count ? { data } : { fault: "bad_reply", detail: `${data.length} values, asked ${count}` });
  };
  if (table === "coil") client.writeFC1(unit, start, count, whenRead);
  else if (table === "discrete") client.writeFC2(unit, start, count, whenRead);
  else if (table === "holding") client.writeFC3(unit, start, count, whenRead);
  else client.writeFC4(unit, start, count, whenRead);
}
