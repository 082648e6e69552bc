import type { Deadline } from "../deadline.ts";
import type { Fault } from "../driver.ts";
import type { Ability } from "./ability.ts";
import { type Answer, fault } from "./answer.ts";
import { flawOf } from "./codec.ts";
import type { ObjectId } from "./question.ts";
import { type Ask, isUnknownService } from "./reader.ts";
import { confirmedService, payloadOf, requestHead } from "./wire/apdu.ts";
import { context, objectIdOctets } from "./wire/encode.ts";
import type { Encoded } from "./wire/line.ts";
import { readTags, type Tag } from "./wire/tags.ts";
import { within } from "./wire/unasked.ts";
import { bitOf, numberOf, objectOf } from "./wire/values.ts";

/** What a device itself holds for alarms (ASHRAE 135, 13.6 and 13.10), which no list of points has to foresee. */

/** One object that is in alarm or fault, or was and is not acknowledged. */
export interface ActiveEvent {
  readonly object: ObjectId;
  /** BACnetEventState; 0: normal again. */
  readonly state: number;
  readonly isAcknowledged: boolean;
}

type Flaw = Pick<Fault, "fault" | "detail">;

/** More pages than any device has; a device that always has more is not believed. */
const pagesMax = 100;

/** By GetEventInformation, page by page; by GetAlarmSummary where that is unknown. */
export async function readEvents(ability: Ability, ask: Ask, by: Deadline): Promise<readonly ActiveEvent[] | Flaw> {
  const all: ActiveEvent[] = [];
  for (let page = 0; page < pagesMax; page++) {
    if (ability.events === null) return noService;
    const read: Page[] = [];
    const answer = await ask(
      asked(ability.events, all.at(-1)?.object, (one) => read.push(one)),
      by,
    );
    const [got] = read;
    if (got !== undefined) {
      all.push(...got.events);
      if (!got.hasMore || got.events.length === 0) return all;
    } else if (isUnknownService(answer)) {
      ability.events = ability.events === "GetEventInformation" ? "GetAlarmSummary" : null;
    } else if (answer.kind === "results") return { fault: "bad_reply", detail: "an answer to something else" };
    else return flawOf(answer);
  }
  return { fault: "bad_reply", detail: `more than ${pagesMax} pages of events` };
}

const noService: Flaw = { fault: "no_such_point", detail: "the device knows no service that tells its events" };

interface Page {
  readonly events: readonly ActiveEvent[];
  readonly hasMore: boolean;
}

const services = {
  GetEventInformation: { choice: confirmedService.getEventInformation, read: readInformation },
  GetAlarmSummary: { choice: confirmedService.getAlarmSummary, read: readSummary },
};

/** The library can neither leave the object of the first page out nor read these answers. */
const asked =
  (name: keyof typeof services, after: ObjectId | undefined, then: (page: Page) => void) =>
  (invokeId: number): Encoded => {
    const { choice, read } = services[name];
    const from = after === undefined ? [] : [context(0, objectIdOctets(after.type, after.instance))];
    return {
      apdu: Buffer.concat([requestHead(invokeId, choice), ...from]),
      decode(of, apdu) {
        if (of.kind === "error") return errorOf(apdu);
        const page = of.kind === "values" && of.service === choice ? read(readTags(payloadOf(apdu)) ?? []) : null;
        if (page === null) return fault("bad_reply", `no answer to ${name}`);
        then(page);
        return { kind: "results", results: new Map() };
      },
    };
  };

/** Of an Error, which is two enumerated numbers. */
export function errorOf(apdu: Buffer): Answer {
  const [errorClass, errorCode] = (readTags(payloadOf(apdu)) ?? []).map(numberOf);
  if (typeof errorClass !== "number" || typeof errorCode !== "number")
    return fault("bad_reply", "an error without its code");
  return { kind: "error", errorClass, errorCode };
}

/** Null: not what the service says. */
function readInformation(tags: readonly Tag[]): Page | null {
  const list = within(tags, 0);
  const more = tags.at(-1);
  if (list === null || more?.kind !== "context" || more.number !== 1) return null;
  const events: ActiveEvent[] = [];
  for (let at = 0; at < list.length; ) {
    // object 0, state 1, acknowledged transitions 2, [3: times], notify type 4, enabled 5, [6: priorities]
    const object = objectOf(list[at]);
    const state = numberOf(list[at + 1]);
    const acknowledged = list[at + 2];
    if (object === null || state === null || acknowledged === undefined) return null;
    events.push({ object, state, isAcknowledged: areAllSet(acknowledged) });
    for (let depth = 0, isIn = false; at < list.length && !(isIn && depth === 0); at++) {
      const tag = list[at];
      if (tag?.kind === "opening") depth++;
      if (tag?.kind !== "closing") continue;
      depth--;
      isIn = tag.number === 6; // the last part of each
    }
  }
  return { events, hasMore: (numberOf(more) ?? 0) > 0 };
}

function readSummary(tags: readonly Tag[]): Page | null {
  const events: ActiveEvent[] = [];
  for (let at = 0; at < tags.length; at += 3) {
    const object = objectOf(tags[at]);
    const state = numberOf(tags[at + 1]);
    const acknowledged = tags[at + 2];
    if (object === null || state === null || acknowledged === undefined) return null;
    events.push({ object, state, isAcknowledged: areAllSet(acknowledged) });
  }
  return { events, hasMore: false };
}

/** To off-normal, to fault, to normal. */
const areAllSet = (bits: Tag): boolean => [0, 1, 2].every((bit) => bitOf(bits, bit) ?? true);
