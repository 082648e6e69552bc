import { confirmedService, pdu, rejectOf, simpleAck } from "../wire/apdu.ts";
import { context, enclosed, encoders, objectIdOctets, octets, unsignedOctets } from "../wire/encode.ts";
import { readTags, type Tag } from "../wire/tags.ts";
import { type Asking, numberIn, type Outcome, objectIn } from "./asking.ts";
import type { Traits } from "./faults.ts";
import type { PropertyError, ServedDevice } from "./served.ts";
import { alarmSummary, eventInformation } from "./served-events.ts";

/** The confirmed services of a simulated device, as a pure step: request in, answer out, both as APDUs. */

export interface Requested {
  readonly invokeId: number;
  /** Confirmed service choice. */
  readonly service: number;
  /** Longest APDU the requester takes, octets. */
  readonly apduMax: number;
  readonly payload: Buffer;
}
const rejectReason = { missingParameter: 5, unrecognizedService: 9 } as const;
const abortReason = { segmentationNotSupported: 4, apduTooLong: 11 } as const;
/** Octets by the lower half of the second octet of a confirmed request. */
const apduSizes = [50, 128, 206, 480, 1024, 1476];
const segmentedRequest = 0x08;

/** Undefined for whatever is no confirmed request in one piece. */
export function confirmed(apdu: Buffer): Requested | undefined {
  const [head = 0xff, sizes = 0, invokeId, choice] = apdu;
  if ((head & 0xf8) !== pdu.confirmedRequest || invokeId === undefined || choice === undefined) return undefined;
  return { invokeId, service: choice, apduMax: apduSizes[sizes & 0x0f] ?? 1476, payload: apdu.subarray(4) };
}

/** Undefined for what is no part of a request; segments are none that the device takes. */
export function refusedSegment(apdu: Buffer): Buffer | undefined {
  const [head = 0xff, , invokeId] = apdu;
  const isSegment = (head & 0xf8) === (pdu.confirmedRequest | segmentedRequest) && invokeId !== undefined;
  return isSegment ? abortOf(invokeId, abortReason.segmentationNotSupported) : undefined;
}

export interface Answering {
  readonly served: ServedDevice;
  readonly traits: Traits;
  /** Of whoever asks. */
  subscribe(tags: readonly Tag[]): Outcome;
}

const services: ReadonlyMap<number, (asking: Asking, answering: Answering) => Outcome> = new Map<
  number,
  (asking: Asking, answering: Answering) => Outcome
>([
  [confirmedService.readProperty, readOne],
  [confirmedService.readPropertyMultiple, readMany],
  [confirmedService.getAlarmSummary, ({ served }) => alarmSummary(served)],
  [confirmedService.getEventInformation, eventInformation],
  [confirmedService.subscribeCov, ({ tags }, { subscribe }) => subscribe(tags)],
]);

export function answer(answering: Answering, request: Requested): Buffer {
  const { invokeId, service: choice, payload } = request;
  const { served, traits } = answering;
  const service = served.knows(choice) ? services.get(choice) : undefined;
  if (service === undefined) return rejectOf(invokeId, rejectReason.unrecognizedService);
  if (payload.length + 4 > traits.apduMax) return abortOf(invokeId, abortReason.apduTooLong);
  const tags = readTags(payload);
  const room = Math.min(request.apduMax, traits.answerMax) - 3;
  const outcome = tags && service({ served, tags, room }, answering);
  if (outcome === undefined) return rejectOf(invokeId, rejectReason.missingParameter);
  if (outcome === "done") return simpleAck(invokeId, choice);
  if (!Buffer.isBuffer(outcome)) return errorAnswer(request, outcome);
  if (outcome.length > room) return abortOf(invokeId, abortReason.segmentationNotSupported);
  return octets(pdu.complexAck, invokeId, choice, outcome);
}

const sentByServer = 0x01;
const abortOf = (invokeId: number, reason: number): Buffer => Buffer.of(pdu.abort | sentByServer, invokeId, reason);

export const errorAnswer = ({ invokeId, service }: Requested, error: PropertyError): Buffer =>
  octets(pdu.error, invokeId, service, errorBody(error));

const errorBody = ({ errorClass, code }: PropertyError): Buffer =>
  Buffer.concat([encoders.enumerated(errorClass), encoders.enumerated(code)]);

function readOne({ served, tags }: Asking): Outcome {
  const object = objectIn(tags[0], 0, served);
  const property = numberIn(tags[1], 1);
  const index = numberIn(tags[2], 2);
  if (!object || property === undefined || tags.length > (index === undefined ? 2 : 3)) return undefined;
  const value = served.read(object.type, object.instance, property, index);
  if (!Buffer.isBuffer(value)) return value;
  return Buffer.concat([
    context(0, objectIdOctets(object.type, object.instance)),
    context(1, unsignedOctets(property)),
    ...(index === undefined ? [] : [context(2, unsignedOctets(index))]),
    enclosed(3, value),
  ]);
}

function readMany({ served, tags }: Asking): Outcome {
  const answers: Buffer[] = [];
  let at = 0;
  while (at < tags.length) {
    const object = objectIn(tags[at++], 0, served);
    if (!object || tags[at++]?.kind !== "opening") return undefined;
    const results: Buffer[] = [];
    while (tags[at]?.kind === "context") {
      const property = numberIn(tags[at++], 0);
      if (property === undefined) return undefined;
      const index = numberIn(tags[at], 1);
      if (index !== undefined) at++;
      for (const each of served.propertiesMeant(object.type, object.instance, property)) {
        results.push(...propertyResult(each, index, served.read(object.type, object.instance, each, index)));
      }
    }
    if (tags[at++]?.kind !== "closing") return undefined;
    answers.push(context(0, objectIdOctets(object.type, object.instance)), enclosed(1, ...results));
  }
  return answers.length > 0 ? Buffer.concat(answers) : undefined;
}

function propertyResult(property: number, index: number | undefined, value: Buffer | PropertyError): Buffer[] {
  const head = [context(2, unsignedOctets(property))];
  if (index !== undefined) head.push(context(3, unsignedOctets(index)));
  return [...head, Buffer.isBuffer(value) ? enclosed(4, value) : enclosed(5, errorBody(value))];
}
