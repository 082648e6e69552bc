import {
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "./encode.ts";
import { apduStart, bvlc, npduVersion, pdu } from "./frame.ts";
import { limits, type PropertyError, type ServedDevice } from "./served.ts";
import { readTags, type Tag } from "./tags.ts";

/** The services of a simulated device, as a pure step: datagram in, answer out. */

export interface Requested {
  readonly invokeId: number;
  /** Confirmed service choice. */
  readonly service: number;
  /** Longest APDU the requester takes, octets. */
  readonly apduMax: number;
  readonly payload: Buffer;
}
const service = { readProperty: 12, readPropertyMultiple: 14, iAm: 0, whoIs: 8 } as const;
const allProperties: ReadonlySet<number> = new Set([8, 105]); // ALL and REQUIRED
const reject = { missingParameter: 5, unrecognizedService: 9 } as const;
const segmentationNotSupported = 4;
/** Octets by the lower half of the second octet of a confirmed request. */
const apduSizes = [50, 128, 206, 480, 1024, 1476];

/** The APDU of a request to this network; undefined for anything else. */
export function requestApdu(frame: Buffer): Buffer | undefined {
  const [type, func, , , version, control = 0] = frame;
  const known = type === bvlc.bacnetIp && (func === bvlc.unicast || func === bvlc.broadcast) && version === npduVersion;
  if (!known || frame.length !== frame.readUInt16BE(2) || control & 0x88) return undefined;
  if (!(control & 0x20)) return frame.subarray(apduStart);
  // Who-Is usually goes to network 65535, "everywhere": network 2, address length 1, address, hop count 1.
  const addressLength = frame[apduStart + 2] ?? 0;
  return frame.subarray(apduStart + 3 + addressLength + 1);
}

export function confirmed(apdu: Buffer): Requested | undefined {
  const [head = 0xff, sizes = 0, invokeId, choice] = apdu;
  if ((head & 0xf8) !== pdu.confirmedRequest || invokeId === undefined || choice === undefined) return undefined;
  return { invokeId, service: choice, apduMax: apduSizes[sizes & 0x0f] ?? limits.apduMax, payload: apdu.subarray(4) };
}

export function answer(served: ServedDevice, request: Requested): Buffer {
  const { invokeId } = request;
  const tags = readTags(request.payload);
  let body: Buffer | PropertyError | undefined;
  if (request.service === service.readProperty) body = tags && readOne(served, tags);
  else if (request.service === service.readPropertyMultiple) body = tags && readMany(served, tags);
  else return datagram(pdu.reject, invokeId, reject.unrecognizedService);

  if (body === undefined) return datagram(pdu.reject, invokeId, reject.missingParameter);
  if (!Buffer.isBuffer(body)) return errorAnswer(request, body);
  const tooLong = 3 + body.length > request.apduMax;
  if (tooLong) return datagram(pdu.abort | 0x01, invokeId, segmentationNotSupported);
  return datagram(pdu.complexAck, invokeId, request.service, body);
}

export const errorAnswer = ({ invokeId, service }: Requested, error: PropertyError): Buffer =>
  datagram(pdu.error, invokeId, service, errorBody(error));

const errorBody = ({ errorClass, code }: PropertyError): Buffer =>
  Buffer.concat([encoders.enumerated(errorClass), encoders.enumerated(code)]);

function readOne(served: ServedDevice, tags: readonly Tag[]): Buffer | PropertyError | undefined {
  const object = objectIn(tags[0]);
  const property = numberIn(tags[1], 1);
  const index = numberIn(tags[2], 2);
  if (!object || property === undefined) return undefined;
  const value = served.read(object.type, object.instance, property, index);
  if (!Buffer.isBuffer(value)) return value;
  return Buffer.concat([
    context(0, objectIdOctets(object.type, object.instance)),
    context(1, unsignedOctets(property)),
    ...(index === undefined ? [] : [context(2, unsignedOctets(index))]),
    opening(3),
    value,
    closing(3),
  ]);
}

function readMany(served: ServedDevice, tags: readonly Tag[]): Buffer | undefined {
  const answers: Buffer[] = [];
  let at = 0;
  while (at < tags.length) {
    const object = objectIn(tags[at++]);
    if (!object || tags[at++]?.kind !== "opening") return undefined;
    answers.push(context(0, objectIdOctets(object.type, object.instance)), opening(1));
    while (tags[at]?.kind === "context") {
      const property = numberIn(tags[at++], 0);
      if (property === undefined) return undefined;
      const index = numberIn(tags[at], 1);
      if (index !== undefined) at++;
      const known = allProperties.has(property) ? served.propertiesOf(object.type, object.instance) : [];
      for (const each of known.length > 0 ? known : [property]) {
        const value = served.read(object.type, object.instance, each, index);
        answers.push(...propertyResult(each, index, value));
      }
    }
    if (tags[at++]?.kind !== "closing") return undefined;
    answers.push(closing(1));
  }
  return answers.length > 0 ? Buffer.concat(answers) : undefined;
}

function propertyResult(property: number, index: number | undefined, value: Buffer | PropertyError): Buffer[] {
  const head = [context(2, unsignedOctets(property))];
  if (index !== undefined) head.push(context(3, unsignedOctets(index)));
  if (Buffer.isBuffer(value)) return [...head, opening(4), value, closing(4)];
  return [...head, opening(5), errorBody(value), closing(5)];
}

function objectIn(tag: Tag | undefined): { type: number; instance: number } | undefined {
  if (tag?.kind !== "context" || tag.number !== 0 || tag.body.length !== 4) return undefined;
  const bits = tag.body.readUInt32BE();
  return { type: bits >>> 22, instance: bits & 0x3f_ffff };
}

function numberIn(tag: Tag | undefined, number: number): number | undefined {
  if (tag?.kind !== "context" || tag.number !== number) return undefined;
  return tag.body.length >= 1 && tag.body.length <= 4 ? tag.body.readUIntBE(0, tag.body.length) : undefined;
}

/** An I-Am if the APDU is a Who-Is that means this device: one without a range, or with it in the range. */
export function whoIsAnswer(served: ServedDevice, apdu: Buffer): Buffer | undefined {
  if (apdu[0] !== pdu.unconfirmedRequest || apdu[1] !== service.whoIs) return undefined;
  const tags = readTags(apdu.subarray(2)) ?? [];
  const low = numberIn(tags[0], 0) ?? 0;
  const high = numberIn(tags[1], 1) ?? Number.POSITIVE_INFINITY;
  if (served.instance < low || served.instance > high) return undefined;
  return datagram(
    pdu.unconfirmedRequest,
    service.iAm,
    objectIdentifier(8, served.instance),
    encoders.unsigned(limits.apduMax),
    encoders.enumerated(limits.segmentation),
    encoders.unsigned(limits.vendor),
  );
}
