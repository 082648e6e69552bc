import { connect } from "node:net";
import M from "modbus-serial";
import type { Env } from "../../agent/env.ts";
import { type Failure, failureOf } from "./failure.ts";
import { functionCodes, guard, identificationRequest, identified } from "./frame.ts";
import type { Request } from "./plan.ts";
import { type Bus, hasWords } from "./schema.ts";

/** What is read of a unit. */
export type Range = Omit<Request, "points">;

/** Registers, or bits as 0 and 1: as many as asked. Of an identification, octets. */
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
  ask(request: Range, ms: number): Promise<Answer>;
  /** The same for one object of Read Device Identification; no data: the device has no such object. */
  identify(unit: number, object: number, ms: number): Promise<Answer>;
  /** Fails the request under way with this and destroys the socket. */
  end(failure: Failure): void;
}

interface Exchange {
  /** What is wrong with what came, or undefined as long as it may be right. */
  readonly hear: (chunk: Buffer) => string | undefined;
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
    const flaw = exchange ? exchange.hear(chunk) : "a reply that nobody asked for";
    if (flaw) end({ fault: "bad_reply", detail: flaw });
  });
  socket.on("connect", () => client.linkTCP(socket, { port }, () => {}));
  socket.on("error", (error) => end(failureOf(error)));
  socket.on("close", () => end({ fault: "unreachable", detail: "connection closed by the device" }));

  /** `send` is told how to settle this very exchange; what is neither an answer nor an exception ends the link. */
  function begin(ms: number, hear: Exchange["hear"], send: (settle: Exchange["settle"]) => void): Promise<Answer> {
    return new Promise((resolve) => {
      const cancel = env.after(ms, () => {
        const what = socket.connecting ? `connection to ${host}:${port}` : "answer";
        end({ fault: "timeout", detail: `no ${what} within ${Math.round(ms)} ms` });
      });
      const mine: Exchange = {
        hear,
        settle(answer) {
          // The library calls back again for a duplicate of an earlier reply.
          if (exchange !== mine) return;
          exchange = undefined;
          cancel();
          resolve(answer);
        },
      };
      exchange = mine;
      const begun = () =>
        send((answer) => {
          if ("fault" in answer && answer.exception === undefined && exchange === mine) end(answer);
          mine.settle(answer);
        });
      if (socket.connecting) socket.once("connect", begun);
      else begun();
    });
  }

  /** Past the library, which does not survive a bad reply to it. */
  function identify(unit: number, object: number, ms: number): Promise<Answer> {
    const read = identified(unit, object);
    let settle: Exchange["settle"] = () => {};
    const hear = (chunk: Buffer): string | undefined => {
      const answer = read(chunk);
      if (answer.kind === "flaw") return answer.detail;
      if (answer.kind === "exception") settle(failureOf({ modbusCode: answer.number }));
      if (answer.kind === "object") settle({ data: [...(answer.octets ?? [])] });
      return undefined;
    };
    return begin(ms, hear, (done) => {
      settle = done;
      socket.write(identificationRequest(unit, object));
    });
  }

  return {
    get usable() {
      return socket.writable;
    },
    ask: (request, ms) => begin(ms, guard(expectedOf(request)), (done) => sendRead(client, request, done)),
    identify,
    end,
  };
}

function expectedOf({ unit, table, count }: Range) {
  return { unit, code: functionCodes[table], bytes: hasWords(table) ? count * 2 : Math.ceil(count / 8) };
}

/** The unit goes with the call: one set beforehand (`setID`) may be another's by the time of sending. */
function sendRead(client: InstanceType<typeof M.default>, request: Range, done: (answer: Answer) => void): void {
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
