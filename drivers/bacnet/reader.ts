import { afterAnswer, afterSilence, afterTooBig } from "../capacity.ts";
import type { Deadline } from "../deadline.ts";
import { faults, type Reading } from "../driver.ts";
import type { Ability } from "./ability.ts";
import { type Answer, type Refusal, type Result, type ResultKey, resultKey } from "./answer.ts";
import { errorCode, errorTag, faultDetail, flawOf, readingOf, reliabilityDetail } from "./codec.ts";
import { readMultiple, readSingle } from "./library.ts";
import { answerOctets, flagsKeyOf, keyOf, type ObjectPoint, objectOf, propertiesOf, questions } from "./question.ts";
import { properties, statusFlags } from "./schema.ts";
import type { Encoded } from "./wire/line.ts";

/** Asks the one device. */
export type Ask = (encode: (invokeId: number) => Encoded, by: Deadline) => Promise<Answer>;

/** Aborts that say "less at once": buffer-overflow, segmentation-not-supported, apdu-too-long. */
const tooMuch: ReadonlySet<number> = new Set([1, 4, 11]);
export const unrecognizedService = 9; // Reject
/** Of a ComplexACK: type, invoke id, service. */
const headOctets = 3;

/**
 * Reads objects in as few requests as the device can take: as many as its longest APDU holds, and fewer where it refuses or says
 * nothing; one property at a time where it knows no ReadPropertyMultiple. What it takes is noted in its ability.
 */
export async function readObjects(
  points: readonly ObjectPoint[],
  ability: Ability,
  ask: Ask,
  by: Deadline,
): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  for (let left = points; left.length > 0; ) {
    const batch = fitting(left, ability);
    const outcome = await readBatch(batch, ability, ask, by);
    if (outcome === "too much") continue;
    readings.push(...outcome.readings);
    left = left.slice(batch.length);
    if (outcome.isSilent) {
      // It would not answer the others either, and their turn is over with its time.
      const [first] = outcome.readings;
      if (first && "fault" in first) readings.push(...faults({ points: left }, first.fault, first.detail));
      break;
    }
  }
  return explained(points, readings, ability, ask, by);
}

/** As many of the first ones as it takes; one at least. */
function fitting(points: readonly ObjectPoint[], { apduMax, capacity, isSingle }: Ability): readonly ObjectPoint[] {
  if (isSingle) return points.slice(0, 1);
  let octets = headOctets;
  const full = points.findIndex((point, at) => {
    octets += answerOctets(point);
    return at > 0 && (octets > apduMax || at >= capacity.now);
  });
  return full < 0 ? points : points.slice(0, full);
}

interface Batch {
  readonly readings: readonly Reading[];
  readonly isSilent: boolean;
}

/** Readings of the batch, or that fewer are to be asked for; a batch of one is never too much. */
async function readBatch(
  batch: readonly ObjectPoint[],
  ability: Ability,
  ask: Ask,
  by: Deadline,
): Promise<Batch | "too much"> {
  if (ability.isSingle) return readSingly(batch, ability, ask, by);
  const isLate = by.isLate();
  const answer = await ask((invokeId) => readMultiple(questions(batch), invokeId), by);
  switch (answer.kind) {
    case "results":
      ability.capacity = afterAnswer(ability.capacity, batch.length);
      return { readings: batch.map((point) => readingOf(point, answer.results)), isSilent: false };
    case "fault":
      // What is asked near the end of a read may be right and come too late.
      if (answer.fault === "timeout" && !isLate) ability.capacity = afterSilence(ability.capacity, batch.length);
      return {
        readings: faults({ points: batch }, answer.fault, answer.detail),
        isSilent: answer.fault !== "bad_reply",
      };
    default:
      return afterRefusal(batch, answer, ability, ask, by);
  }
}

async function afterRefusal(
  batch: readonly ObjectPoint[],
  refusal: Refusal,
  ability: Ability,
  ask: Ask,
  by: Deadline,
): Promise<Batch | "too much"> {
  const all = (fault: Pick<Extract<Reading, { fault: unknown }>, "fault" | "detail">): Batch => ({
    readings: faults({ points: batch }, fault.fault, fault.detail),
    isSilent: false,
  });
  if (isUnknownService(refusal)) ability.isSingle = true;
  else if (refusal.kind === "error") {
    // Some devices refuse all of a request for one object they lack: then smaller ones find which.
    const fault = flawOf(refusal);
    if (fault.fault !== "no_such_point") return all(fault);
    if (batch.length > 1) return findOne(batch, ability, ask, by);
  } else {
    if (refusal.kind === "abort" && !tooMuch.has(refusal.reason)) return all(flawOf(refusal));
    if (batch.length > 1) {
      ability.capacity = afterTooBig(ability.capacity, batch.length);
      return "too much";
    }
  }
  return readSingly(batch, ability, ask, by);
}

/** Halves, until the one that is refused is alone: how many the device takes has nothing to do with it. */
async function findOne(batch: readonly ObjectPoint[], ability: Ability, ask: Ask, by: Deadline): Promise<Batch> {
  const middle = Math.ceil(batch.length / 2);
  const readings: Reading[] = [];
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    const outcome = await readBatch(half, ability, ask, by);
    if (outcome === "too much") readings.push(...(await readSingly(half, ability, ask, by)).readings);
    else readings.push(...outcome.readings);
  }
  return { readings, isSilent: false };
}

export const isUnknownService = (answer: Answer): boolean =>
  (answer.kind === "reject" && answer.reason === unrecognizedService) ||
  (answer.kind === "error" && answer.errorCode === errorCode.unrecognizedService);

async function readSingly(points: readonly ObjectPoint[], ability: Ability, ask: Ask, by: Deadline): Promise<Batch> {
  const readings: Reading[] = [];
  let isSilent = false;
  for (const point of points) {
    const one = await readPoint(point, ability, ask, by);
    readings.push(one.reading);
    isSilent ||= one.isSilent;
  }
  return { readings, isSilent };
}

async function readPoint(
  point: ObjectPoint,
  ability: Ability,
  ask: Ask,
  by: Deadline,
): Promise<{ readonly reading: Reading; readonly isSilent: boolean }> {
  const results = new Map<ResultKey, Result>();
  for (const property of propertiesOf(point)) {
    const isOfFlags = property.id === statusFlags;
    const key = isOfFlags ? flagsKeyOf(point) : keyOf(point);
    if (isOfFlags && ability.flagless.has(key)) continue;
    const answer = await ask((invokeId) => readSingle(objectOf(point), property, invokeId), by);
    if (answer.kind === "results") {
      for (const [found, result] of answer.results) results.set(found, result);
      continue;
    }
    if (answer.kind === "error") {
      // Any other error may pass; what is noted here is never asked again.
      if (isOfFlags && answer.errorCode === errorCode.unknownProperty) ability.flagless.add(key);
      if (!isOfFlags) results.set(key, [{ type: errorTag, value: answer }]);
      break; // the flags of a value that cannot be read tell nothing
    }
    const isSilent = answer.kind === "fault" && answer.fault !== "bad_reply";
    return { reading: { point: point.id, ...flawOf(answer) }, isSilent };
  }
  return { reading: readingOf(point, results), isSilent: false };
}

/** Of objects whose status flags say fault, what their reliability says of it. */
async function explained(
  points: readonly ObjectPoint[],
  readings: readonly Reading[],
  ability: Ability,
  ask: Ask,
  by: Deadline,
): Promise<readonly Reading[]> {
  const faulty = new Set(readings.flatMap((one) => ("fault" in one && one.detail === faultDetail ? [one.point] : [])));
  if (faulty.size === 0 || ability.isSingle || by.isLate()) return readings;
  const asked = fitting(
    points.filter(({ id }) => faulty.has(id)),
    ability,
  );
  const why = asked.map((point) => ({ object: objectOf(point), properties: [{ id: properties.reliability }] }));
  const answer = await ask((invokeId) => readMultiple(why, invokeId), by.half());
  if (answer.kind !== "results") return readings;
  const details = new Map(
    asked.map((point) => [
      point.id,
      reliabilityDetail(answer.results.get(resultKey(objectOf(point), properties.reliability))),
    ]),
  );
  return readings.map((one) => {
    const detail = details.get(one.point);
    return detail === undefined || !("fault" in one) ? one : { ...one, detail };
  });
}
