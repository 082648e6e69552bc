import { EventEmitter } from "node:events";
import Client from "node-bacnet";
import { type Answer, fault, multipleResults, type Results, refused, singleResults } from "./answer.ts";
import type { ObjectId, Property, Question } from "./question.ts";
import { abortOf, confirmedService, withoutSegments } from "./wire/apdu.ts";
import type { Encoded } from "./wire/line.ts";
import { unicast } from "./wire/packet.ts";

/*
 * The only place that touches node-bacnet. A Client of its own for each request: what the library keeps between requests
 * (callbacks, invoke ids, half a segmented answer) is what lets it mix them up; a Client that lives for one request has nothing to mix.
 */

/** Beyond any deadline: the library's must never be the one that counts. */
const libraryTimeoutMs = 3_600_000;
/** What the library takes for a peer: it names it in nothing that it sends. */
const receiver: Client.Receiver = { address: "127.0.0.1:47808" };

/**
 * ReadPropertyMultiple. Objects not asked for stay in the results, where nobody looks them up.
 *
 * @throws what the library throws on a request that does not fit a datagram
 */
export function readMultiple(questions: readonly Question[], invokeId: number): Encoded {
  const objects = questions.map(({ object, properties }) => ({ objectId: object, properties }));
  return encoded(
    confirmedService.readPropertyMultiple,
    invokeId,
    (client, next) => client.readPropertyMultiple(receiver, objects, { invokeId }, next),
    multipleResults,
  );
}

/** ReadProperty, for devices that know no other. */
export function readSingle(object: ObjectId, { id, index }: Property, invokeId: number): Encoded {
  const options = index === undefined ? { invokeId } : { invokeId, arrayIndex: index };
  return encoded(
    confirmedService.readProperty,
    invokeId,
    (client, next) => client.readProperty(receiver, object, id, options, next),
    singleResults,
  );
}

function encoded(
  service: number,
  invokeId: number,
  ask: (client: Client, next: Client.Next) => void,
  resultsOf: (decoded: unknown) => Results | undefined,
): Encoded {
  const transport = new Transport();
  let answer: Answer | undefined;
  const deliver = (apdu: Buffer): void => void transport.emit("message", unicast(apdu), receiver.address);
  ask(new Client({ transport, apduTimeout: libraryTimeoutMs }), (error, decoded) => {
    const results = error ? undefined : resultsOf(decoded);
    if (error) answer ??= refused(error);
    else answer ??= results ? { kind: "results", results } : fault("bad_reply", "the answer lacks a part");
  });
  return {
    apdu: transport.sent,
    decode(of, apdu) {
      answer = undefined;
      if (of.kind === "done") return fault("bad_reply", "an acknowledgement without a value");
      if (of.service !== service) return fault("bad_reply", "an answer to another service");
      try {
        deliver(apdu);
      } catch (error) {
        return fault("bad_reply", `the answer does not decode (${String(error)})`);
      }
      return answer ?? fault("bad_reply", "an answer without its values");
    },
    // Ends the library's own timer, which nothing else can stop.
    end: () => deliver(abortOf(invokeId)),
  };
}

/** What the library takes for its socket: it reaches nobody. */
class Transport extends EventEmitter implements Client.Transport {
  sent: Buffer = Buffer.alloc(0);

  /** An APDU of the library follows a BVLC of 4 octets and an NPDU of 2, for its receiver is on no other network. */
  send(buffer: Buffer, length: number): void {
    this.sent = withoutSegments(buffer.subarray(6, length));
  }

  getMaxPayload(): number {
    return 1482; // BVLC 4 + NPDU 2 + the largest APDU, 1476
  }

  open(): void {}
  close(): void {}
}
