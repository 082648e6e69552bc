import type { BadReason } from "../../agent/core/sample.ts";
import { afterAnswer, afterSilence, afterTooBig, afterTrial, isTried, lidOf } from "../capacity.ts";
import type { Deadline } from "../deadline.ts";
import type { Answer } from "./dialect.ts";
import type { Known } from "./learnt.ts";
import { type Binding, errors } from "./message.ts";
import type { Requester } from "./requester.ts";

/** OIDs by GetRequests, as many at once as the device answers, which is learnt from its tooBig or its silence. */
export interface Getter {
  /** One finding for each; what is asked for together comes from one answer. */
  get(asked: readonly Asked[], by: Deadline): Promise<ReadonlyMap<string, Found>>;
}

export interface Asked {
  readonly id: string;
  /** These are in one GetRequest, whatever it takes. */
  readonly oids: readonly string[];
}

export interface Flaw {
  readonly fault: BadReason;
  readonly detail: string;
}

/** What came in the place of each OID; or what came instead of an answer. */
export type Found = ReadonlyMap<string, Binding | undefined> | Flaw;

export function getter(requester: Requester, known: Known): Getter {
  /** OIDs that made a request fail: they are asked for last and each alone, so that the others are not kept waiting. */
  const { failing } = known;
  const isFailing = ({ oids }: Asked): boolean => oids.some((oid) => failing.has(oid));

  /** Where more is tried again, there is time left to ask for less. */
  async function ask(oids: readonly string[], by: Deadline): Promise<Answer | "less"> {
    const isLate = by.isLate();
    const isTrial = isTried(known.gets, oids.length);
    const answer = await requester.ask({ oids, by: isTrial ? by.half() : by });
    if (answer.kind === "bindings") known.gets = afterAnswer(known.gets, oids.length);
    else if (isTrial && !blames(answer)) {
      known.gets = afterTrial(known.gets);
      return "less";
    }
    // What is asked near the end of a read may be right and come too late.
    const isSilent = answer.kind === "fault" && answer.fault === "timeout" && !isLate;
    if (isSilent) known.gets = afterSilence(known.gets, oids.length);
    return answer;
  }

  /** Either some of the batch is found now, or the next batch is smaller: so `get` comes to an end. */
  function found(batch: readonly Asked[], oids: readonly string[], answer: Answer): (readonly [string, Found])[] {
    switch (answer.kind) {
      case "bindings": {
        for (const oid of oids) failing.delete(oid);
        const places = new Map(oids.map((oid, at) => [oid, answer.bindings[at]]));
        return batch.map(({ id }) => [id, places]);
      }
      case "fault":
        return batch.map(({ id }) => [id, { fault: answer.fault, detail: answer.detail }]);
      case "refused": {
        if (isUnblamed(answer, batch)) return [];
        if (answer.status === errors.tooBig && batch.length > 1) {
          known.gets = afterTooBig(known.gets, oids.length);
          return [];
        }
        // One OID that fails makes a GetRequest fail whole: without the one blamed the others can be asked again.
        const { oid: blamedOid } = answer;
        const blamed = batch.filter((one) => batch.length === 1 || (blamedOid && one.oids.includes(blamedOid)));
        for (const one of blamed) failing.add(blamedOid ?? one.oids[0] ?? "");
        const fault = answer.status === errors.noSuchName ? "no_such_point" : "device_error";
        return (blamed.length > 0 ? blamed : batch).map(({ id }) => [id, { fault, detail: answer.detail }]);
      }
    }
  }

  return {
    async get(asked, by) {
      const all = new Map<string, Found>();
      const alone = asked.filter(isFailing).map((one) => [one]);
      for (let open = [asked.filter((one) => !isFailing(one)), ...alone].filter(isSome); open.length > 0; ) {
        const [first = [], ...rest] = open;
        const batch = fitting(first, by.isLate() ? Math.min(known.gets.now, lidOf(known.gets)) : known.gets.now);
        const oids = oidsIn(batch);
        const answer = await ask(oids, by);
        if (answer === "less") continue;
        for (const [id, one] of found(batch, oids, answer)) all.set(id, one);
        const halves = isUnblamed(answer, batch) ? halved(first, batch.length) : [first];
        open = [...halves, ...rest].map((some) => some.filter(({ id }) => !all.has(id))).filter(isSome);
      }
      return all;
    },
  };
}

/** Of one OID's failure it is told which, and it is not for their number. */
const blames = (answer: Answer): boolean => answer.kind === "refused" && answer.oid !== undefined;

/** What several want, such as the label of their row, is asked for once. */
const oidsIn = (batch: readonly Asked[]): readonly string[] => [...new Set(batch.flatMap(({ oids }) => oids))];

/** As many of the first ones as fit; one at least. */
function fitting(asked: readonly Asked[], most: number): readonly Asked[] {
  const oids = new Set<string>();
  const full = asked.findIndex((one, at) => {
    for (const oid of one.oids) oids.add(oid);
    return at > 0 && oids.size > most;
  });
  return full < 0 ? asked : asked.slice(0, full);
}

/** One of several does not exist, and the device does not say which: halves of them are asked. */
const isUnblamed = (answer: Answer, batch: readonly Asked[]): boolean =>
  answer.kind === "refused" && answer.status === errors.noSuchName && answer.oid === undefined && batch.length > 1;

function halved(asked: readonly Asked[], size: number): readonly Asked[][] {
  const middle = Math.ceil(size / 2);
  return [asked.slice(0, middle), asked.slice(middle, size), asked.slice(size)];
}

const isSome = (asked: readonly Asked[]): boolean => asked.length > 0;
