import type { Env } from "../../../agent/env.ts";
import { type Answer, fault, type Refusal } from "../answer.ts";
import { type Answer as Answered, readAnswer } from "./apdu.ts";
import type { Address, Station } from "./packet.ts";

/** Where a device is: an address, or a station in a network behind the router at that address. */
export interface Peer extends Address {
  readonly station: Station | null;
}

export const sayPeer = ({ host, port, station }: Peer): string =>
  `${host}:${port}${station === null ? "" : ` (network ${station.network}, mac ${station.mac})`}`;

export type PeerKey = string;
export const keyOfPeer = ({ host, port, station }: Peer): PeerKey =>
  station === null ? `${host}:${port}` : `${host}:${port}/${station.network}/${station.mac}`;

/** One request as it is sent, and how what answers it is read. */
export interface Encoded {
  readonly apdu: Buffer;
  /** Of its answer, well formed as that is. Never throws. */
  decode(answer: Extract<Answered, { readonly service: number }>, apdu: Buffer): Answer;
  /** Called once, when nothing is decoded any more. */
  end?(): void;
}

/** A request under way. */
export interface Exchange {
  /** Never rejects. */
  readonly answer: Promise<Answer>;
  /** Settles the answer as unreachable. */
  cancel(why: string): void;
}

/**
 * One peer, as seen through the hub: sends to it alone and hears it alone, one request at a time. A BACnet answer names its
 * request by one octet only, and the library would take any sender's; here an answer reaches a request only if it comes from
 * the very peer that was asked, and bears the invoke id of the request that is open.
 */
export interface Line {
  readonly peer: Peer;
  /** Waits for its turn within the time; `encode` is called when that comes, with the invoke id. */
  ask(encode: (invokeId: number) => Encoded, timeoutMs: number): Exchange;
  /** An APDU came from the peer. */
  receive(apdu: Buffer): void;
  /** The router before the peer rejects what was to go there (ASHRAE 135, 6.4.4). */
  unrouted(reason: number | null): void;
}

/** UDP loses datagrams: an unanswered request is sent once more after half its time, with the same invoke id. */
const resendAfter = 0.5;

interface Open {
  readonly invokeId: number;
  answered(answer: Answered, apdu: Buffer): void;
  fail(detail: string): void;
  refused(by: Refusal): void;
}

type Send = (apdu: Buffer, failed: (error: Error) => void) => void;

export function lineTo(env: Env, peer: Peer, send: Send): Line {
  /** Invoke ids go round 1 … 255 (the library takes 0 for none), so that a late answer to a request given up finds nobody waiting. */
  let lastId = Math.floor(env.random() * 255);
  let open: Open | undefined;
  const waiting: (() => void)[] = [];

  return {
    peer,
    ask(encode, timeoutMs) {
      const by = env.clock.mono() + timeoutMs;
      let mine: Open | undefined;
      let isOver = false;
      let settle: (answer: Answer) => void = () => {};
      const answer = new Promise<Answer>((resolve) => {
        settle = (one) => {
          isOver = true;
          cancelWait();
          resolve(one);
        };
      });
      const start = (): void => {
        if (isOver) {
          waiting.shift()?.();
          return;
        }
        cancelWait();
        lastId = (lastId % 255) + 1;
        const begun = begin({ env, send }, lastId, encode, by - env.clock.mono(), (one) => {
          if (open === begun.open) open = undefined;
          settle(one);
          waiting.shift()?.();
        });
        mine = open = begun.open;
        begun.go();
      };
      const giveUp = (kind: "timeout" | "unreachable", why: string): void => {
        if (mine) mine.fail(why);
        else settle(fault(kind, why));
      };
      let cancelWait = (): void => {};
      if (open === undefined) start();
      else {
        waiting.push(start);
        cancelWait = env.after(timeoutMs, () => giveUp("timeout", busy));
      }
      return { answer, cancel: (why) => giveUp("unreachable", why) };
    },
    receive(apdu) {
      const answer = readAnswer(apdu);
      if (answer && answer.invokeId === open?.invokeId) open.answered(answer, apdu);
    },
    unrouted(reason) {
      // As if the device had said so: it is asked for less.
      if (reason === tooLong) return open?.refused({ kind: "abort", reason: apduTooLong });
      const does = rejections[reason ?? -1] ?? `rejects (${reason ?? "?"}) what is for`;
      open?.fail(`the router at ${peer.host} ${does} network ${peer.station?.network ?? "?"}`);
    },
  };
}

/** Of Reject-Message-To-Network: more octets than the network behind the router carries. */
const tooLong = 4;
const apduTooLong = 11; // Abort
const rejections: Readonly<Record<number, string>> = { 1: "knows no way to", 2: "is too busy for" };

const busy = "no time left, for the device was asked other things";

/** One request, from its first octet to what comes of it; `done` is called once, after `go` at the earliest. */
function begin(
  { env, send }: { readonly env: Env; readonly send: Send },
  invokeId: number,
  encode: (invokeId: number) => Encoded,
  timeoutMs: number,
  done: (answer: Answer) => void,
): { readonly open: Open; go(): void } {
  let encoded: Encoded | undefined;
  let isOver = false;
  let cancels: readonly (() => void)[] = [];
  const settle = (answer: Answer): void => {
    if (isOver) return;
    isOver = true;
    for (const cancel of cancels) cancel();
    encoded?.end?.();
    done(answer);
  };
  const transmit = (): void => {
    if (encoded) send(encoded.apdu, (error) => settle(fault("unreachable", error.message)));
  };
  const open: Open = {
    invokeId,
    fail: (detail) => settle(fault("unreachable", detail)),
    refused: settle,
    answered(answer, apdu) {
      if (answer.kind === "malformed") settle(fault("bad_reply", answer.detail));
      else if ("service" in answer) settle(encoded?.decode(answer, apdu) ?? fault("bad_reply", "an answer to nothing"));
      else settle({ kind: answer.kind, reason: answer.reason });
    },
  };
  const late = `no answer within ${Math.round(timeoutMs)} ms`;
  return {
    open,
    go() {
      cancels = [
        env.after(timeoutMs, () => settle(fault("timeout", late))),
        env.after(timeoutMs * resendAfter, transmit),
      ];
      try {
        encoded = encode(invokeId);
        transmit();
      } catch (error) {
        env.report("session.bug", { protocol: "bacnet", error: String(error) });
        settle(fault("bad_reply", `the request does not encode (${String(error)})`));
      }
    },
  };
}
