import type { Deadline } from "../deadline.ts";
import type { Ability } from "./ability.ts";
import { type Answer, type Result, resultKey } from "./answer.ts";
import { flawOf, type ValueFault } from "./codec.ts";
import { readMultiple, readSingle } from "./library.ts";
import type { ObjectId, Property } from "./question.ts";
import { type Ask, isUnknownService } from "./reader.ts";

/** What an object says of a property, or why it says nothing. */
export type Said = { readonly result: Result } | ValueFault;

/** Properties of one object in their order: all in one request, singly where that is refused. */
export async function readProperties(
  object: ObjectId,
  properties: readonly Property[],
  ask: Ask,
  ability: Pick<Ability, "isSingle">,
  by: Deadline,
): Promise<readonly Said[]> {
  if (!ability.isSingle) {
    const answer = await ask((invokeId) => readMultiple([{ object, properties }], invokeId), by);
    if (isUnknownService(answer)) ability.isSingle = true;
    if (answer.kind === "results" || answer.kind === "fault") return properties.map(saidIn(object, answer));
  }
  return readEach(object, properties, ask, by);
}

export async function readEach(
  object: ObjectId,
  properties: readonly Property[],
  ask: Ask,
  by: Deadline,
): Promise<readonly Said[]> {
  const all: Said[] = [];
  for (const property of properties)
    all.push(saidIn(object, await ask((invokeId) => readSingle(object, property, invokeId), by))(property));
  return all;
}

const saidIn =
  (object: ObjectId, answer: Answer) =>
  ({ id, index }: Property): Said => {
    if (answer.kind !== "results") return flawOf(answer);
    const result = answer.results.get(resultKey(object, id, index));
    return result === undefined ? { fault: "bad_reply", detail: "the answer lacks it" } : { result };
  };
