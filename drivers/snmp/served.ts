import * as ber from "./ber.ts";
import { type Binding, errors, type Pdu, pdus } from "./message.ts";
import { compareOids } from "./plan.ts";

/** A device's objects in the order of a walk, and its answers. Values are taken when asked for. */

export type Objects = ReadonlyMap<string, () => ber.Element | null>;

/** How it is asked, where that changes what there is to be seen. */
export interface Walking {
  /** SNMPv1 knows neither GetBulk nor Counter64: an object of that type is passed over (RFC 2089, 4.1.2.1). */
  readonly isV1: boolean;
  /** A walk never gets past the first object that it meets: what was asked for is answered with itself. */
  readonly isEndless: boolean;
}

/**
 * What a request comes to; `encoded` puts an answer into the datagram that it is asked for in. Undefined: silence.
 */
export type Respond = (request: Pdu, isV1: boolean, encoded: (answer: Pdu) => Buffer) => Buffer | undefined;

/** One version's way to ask and to answer. */
export interface Answering {
  /** The datagram that answers this one. Total; undefined: silence, as to anybody whom it does not know. */
  answer(datagram: Buffer, respond: Respond): Buffer | undefined;
  reboot(): void;
}

const empty = Buffer.alloc(0);
const noSuchObject: ber.Element = { tag: ber.tags.noSuchObject, content: empty };
const noSuchInstance: ber.Element = { tag: ber.tags.noSuchInstance, content: empty };
const endOfMibView: ber.Element = { tag: ber.tags.endOfMibView, content: empty };

/** A GetBulkRequest may ask for more than a datagram holds; answering less is its right (RFC 3416, 4.2.3). */
const bulkMax = 100;

export class ServedDevice {
  readonly #objects: Objects;
  readonly #order: readonly string[];

  constructor(objects: Objects) {
    this.#objects = objects;
    this.#order = [...objects.keys()].sort(compareOids);
  }

  /** Undefined: this kind of request gets no answer. */
  answer(request: Pdu, walking: Walking): Pdu | undefined {
    const bindings = this.#bindings(request, walking);
    const answer = bindings && { ...responseTo(request, errors.none), bindings };
    return answer && walking.isV1 ? withoutExceptions(request, answer) : answer;
  }

  #bindings({ pdu, bindings, errorStatus: once, errorIndex: repetitions }: Pdu, walking: Walking) {
    const oids = bindings.map(({ oid }) => oid);
    if (pdu === pdus.get) return oids.map((oid) => ({ oid, value: this.#get(oid, walking) }));
    if (pdu === pdus.getNext) return oids.map((oid) => this.#next(oid, walking));
    if (pdu === pdus.getBulk && !walking.isV1) return this.#bulk(oids, Math.max(0, once), repetitions, walking);
    return undefined;
  }

  #get(oid: string, walking: Walking): ber.Element {
    const object = this.#objects.get(oid);
    const value = object?.() ?? null;
    if (value !== null && isSeen(value, walking)) return value;
    return object === undefined ? noSuchObject : noSuchInstance;
  }

  #next(after: string, walking: Walking): Binding {
    const first = this.#firstAfter(after);
    for (let at = walking.isEndless && this.#objects.has(after) ? first - 1 : first; at < this.#order.length; at++) {
      const oid = this.#order[at] ?? "";
      const value = this.#objects.get(oid)?.() ?? null;
      if (value !== null && isSeen(value, walking)) return { oid, value };
    }
    return { oid: after, value: endOfMibView };
  }

  /** Where in the order what comes after `oid` begins. */
  #firstAfter(oid: string): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareOids(this.#order[middle] ?? "", oid) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** At least one round, however many OIDs there are: what does not fit is another's to refuse. */
  #bulk(oids: readonly string[], once: number, repetitions: number, walking: Walking): Binding[] {
    const found = oids.slice(0, once).map((oid) => this.#next(oid, walking));
    let heads = oids.slice(once);
    for (let round = 0; round < repetitions && heads.length > 0; round++) {
      if (round > 0 && found.length + heads.length > bulkMax) break;
      const row = heads.map((oid) => this.#next(oid, walking));
      found.push(...row);
      heads = row.every(({ value }) => value.tag === ber.tags.endOfMibView) ? [] : row.map(({ oid }) => oid);
    }
    return found;
  }
}

const isSeen = ({ tag }: ber.Element, { isV1 }: Walking): boolean => !(isV1 && tag === ber.tags.counter64);

/** An answer that refuses all of a request, or has what is still to be put in. */
export const responseTo = ({ requestId, bindings }: Pdu, errorStatus: number): Pdu => ({
  ...{ pdu: pdus.response, requestId, errorStatus, errorIndex: 0 },
  bindings: errorStatus === errors.tooBig ? [] : bindings,
});

/** As SNMPv1 says it, which has no exceptions: the whole request fails at the first of them (RFC 1157, 4.1.2). */
function withoutExceptions(request: Pdu, answer: Pdu): Pdu {
  const at = answer.bindings.findIndex(({ value }) => value.tag >= ber.tags.noSuchObject && value.tag < 0xa0);
  return at < 0 ? answer : { ...responseTo(request, errors.noSuchName), errorIndex: at + 1 };
}
