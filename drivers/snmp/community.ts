import { createSession, RequestFailedError, Version1, Version2c } from "net-snmp";
import { answerOf, type Dialect, type Turn } from "./dialect.ts";
import { decode, pdus, versions } from "./message.ts";

/** SNMPv1 and SNMPv2c: one datagram each way. An agent does not answer a community it does not know. */
export function communityBased(version: 1 | "2c", community: string): Dialect {
  return { forget() {}, ask: (oids, repetitions = 0) => turnOf(version, community, oids, repetitions) };
}

type Outcome = "answer" | { readonly wrong: string };

/**
 * net-snmp makes the request and knows its answer; it has neither our socket nor our deadline. Only what is well-formed to
 * the last binding gets to it, for it reads truncated values as null, and throws from the socket's event on a Report.
 */
function turnOf(version: 1 | "2c", community: string, oids: readonly string[], repetitions: number): Turn {
  const wire = version === 1 ? versions.v1 : versions.v2c;
  let made: Buffer = Buffer.alloc(0);
  let hear = (_datagram: Buffer): void => {};
  /** What net-snmp made of a datagram; null: nothing, it is not the answer. */
  const heard: { outcome: Outcome | null } = { outcome: null };
  const session = createSession("127.0.0.1", community, {
    version: version === 1 ? Version1 : Version2c,
    // Ours are shorter.
    timeout: 2 ** 31 - 1,
    retries: 0,
    dgramModule: wireOf(
      (datagram) => {
        made = datagram;
      },
      (listener) => {
        hear = listener;
      },
    ),
  });
  session.on("error", (error) => {
    heard.outcome = { wrong: String(error) };
  });
  const settled = (error: Error | null): void => {
    heard.outcome = error === null || error instanceof RequestFailedError ? "answer" : { wrong: String(error) };
  };
  if (repetitions === 0) session.get([...oids], settled);
  else if (version === 1) session.getNext([...oids], settled);
  else session.getBulk([...oids], 0, repetitions, settled);
  return {
    next: () => made,
    hint: () => "",
    end: () => session.close(),
    hear(datagram) {
      const message = decode(datagram);
      if (message?.version !== wire || message.pdu !== pdus.response)
        return { kind: "garbage", what: `what came is no SNMPv${version} Response` };
      if (message.community !== community) return { kind: "garbage", what: "the answer is of another community" };
      heard.outcome = null;
      try {
        hear(datagram);
      } catch (error) {
        heard.outcome = { wrong: String(error) };
      }
      const outcome = heard.outcome as Outcome | null;
      if (outcome === null) return { kind: "other" };
      // Of a type that it does not know it makes an error for all; we read such a message all the same, binding by binding.
      if (outcome === "answer" || message.requestId === decode(made)?.requestId) return answerOf(message, oids);
      return { kind: "garbage", what: `what came does not decode: ${outcome.wrong}` };
    },
  };
}

/** What net-snmp gets for a dgram module: it sends to us, and hears what we give it. */
const wireOf = (send: (datagram: Buffer) => void, listen: (hear: (datagram: Buffer) => void) => void) => ({
  createSocket: () => {
    let closed = (): void => {};
    return {
      on(event: string, listener: (datagram: Buffer) => void) {
        if (event === "message") listen(listener);
        if (event === "close") closed = listener as () => void;
      },
      // It waits for the answer of what was sent, and not before.
      send(
        datagram: Buffer,
        _offset: number,
        _length: number,
        _port: number,
        _host: string,
        sent: (error: null) => void,
      ) {
        send(datagram);
        sent(null);
      },
      ref() {},
      unref() {},
      close: () => closed(),
    };
  },
});
