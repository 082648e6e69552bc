import * as ber from "./ber.ts";
import { type Binding, errors, type Pdu, pdus } from "./message.ts";
import { compareOids } from "./plan.ts";

/** A device's objects in the order of a walk, and its answers. Values are taken when asked for. */

export type Objects = ReadonlyMap<string, () => ber.Element | null>;

const empty = Buffer.alloc(0);
const noSuchObject: ber.Element = { tag: ber.tags.noSuchObject, content: empty };
const noSuchInstance: ber.Element = { tag: ber.tags.noSuchInstance, content: empty };
const endOfMibView: ber.Element = { tag: ber.tags.endOfMibView, content: empty };

/** A GetBulkRequest may ask for more than a datagram holds; answering less is its right (RFC 3416, 4.2.3). */
const bulkMax = 100;

/** As SNMPv1 says it, which has no exceptions: the whole request fails at the first of them (RFC 1157, 4.1.2). */
export function withoutExceptions<P extends Pdu>(request: P, answer: P): P {
  const at = answer.bindings.findIndex(({ value }) => value.tag >= ber.tags.noSuchObject && value.tag < 0xa0);
  if (at < 0) return answer;
  return { ...request, pdu: pdus.response, errorStatus: errors.noSuchName, errorIndex: at + 1 };
}

export class ServedDevice {
  readonly #objects: Objects;
  readonly #order: readonly string[];

  constructor(objects: Objects) {
    this.#objects = objects;
    this.#order = [...objects.keys()].sort(compareOids);
  }

  /** Undefined: this kind of request gets no answer. */
  answer<P extends Pdu>(request: P): P | undefined {
    const bindings = this.#bindings(request);
    return bindings && { ...request, pdu: pdus.response, errorStatus: errors.none, errorIndex: 0, bindings };
  }

  #bindings({ pdu, bindings, errorStatus: once, errorIndex: repetitions }: Pdu): Binding[] | undefined {
    const oids = bindings.map(({ oid }) => oid);
    if (pdu === pdus.get) return oids.map((oid) => ({ oid, value: this.#get(oid) }));
    if (pdu === pdus.getNext) return oids.map((oid) => this.#next(oid));
    if (pdu === pdus.getBulk) return this.#bulk(oids, Math.max(0, once), repetitions);
    return undefined;
  }

  #get(oid: string): ber.Element {
    const object = this.#objects.get(oid);
    return object ? (object() ?? noSuchInstance) : noSuchObject;
  }

  #next(after: string): Binding {
    for (const oid of this.#order) {
      const value = compareOids(oid, after) > 0 ? this.#objects.get(oid)?.() : null;
      if (value) return { oid, value };
    }
    return { oid: after, value: endOfMibView };
  }

  #bulk(oids: readonly string[], once: number, repetitions: number): Binding[] {
    const found = oids.slice(0, once).map((oid) => this.#next(oid));
    let heads = oids.slice(once);
    for (let round = 0; round < repetitions && heads.length > 0 && found.length + heads.length <= bulkMax; round++) {
      const row = heads.map((oid) => this.#next(oid));
      found.push(...row);
      heads = row.every(({ value }) => value.tag === ber.tags.endOfMibView) ? [] : row.map(({ oid }) => oid);
    }
    return found;
  }
}
