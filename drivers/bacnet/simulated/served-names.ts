import { deviceObject } from "../schema.ts";
import { pdu, unconfirmedService } from "../wire/apdu.ts";
import { characterString, encoders, objectIdentifier, octets } from "../wire/encode.ts";
import { readTags, type Tag } from "../wire/tags.ts";
import { numberIn, objectIn } from "./asking.ts";
import { segmentation, vendor } from "./device-object.ts";
import type { Traits } from "./faults.ts";
import type { ServedDevice } from "./served.ts";

/** How a simulated device is found: Who-Is is answered by I-Am, Who-Has by I-Have (ASHRAE 135, 16.9 and 16.10). */

const of = (service: number, ...parts: readonly Buffer[]): Buffer => octets(pdu.unconfirmedRequest, service, ...parts);

export const iAm = ({ instance }: ServedDevice, { apduMax }: Traits): Buffer =>
  of(
    unconfirmedService.iAm,
    objectIdentifier(deviceObject, instance),
    encoders.unsigned(apduMax),
    encoders.enumerated(segmentation),
    encoders.unsigned(vendor),
  );

/** Undefined for what asks for none of this, or for another device. */
export function whoAnswer(served: ServedDevice, traits: Traits, apdu: Buffer): Buffer | undefined {
  const [head, service] = apdu;
  const tags = head === pdu.unconfirmedRequest ? readTags(apdu.subarray(2)) : undefined;
  if (tags === undefined) return undefined;
  const low = numberIn(tags[0], 0);
  const high = numberIn(tags[1], 1);
  // One without the other is no range.
  const isMeant = low === undefined || (high !== undefined && served.instance >= low && served.instance <= high);
  if (!isMeant) return undefined;
  if (service === unconfirmedService.whoIs) return iAm(served, traits);
  return service === unconfirmedService.whoHas ? iHave(served, tags[low === undefined ? 0 : 2]) : undefined;
}

/** Asked by identifier or by name. */
function iHave(served: ServedDevice, asked: Tag | undefined): Buffer | undefined {
  const name = nameIn(asked);
  const object = name === undefined ? objectIn(asked, 2, served) : objectNamed(served, name);
  const told = object && served.nameOf(object.type, object.instance);
  if (object === undefined || told === undefined) return undefined;
  return of(
    unconfirmedService.iHave,
    objectIdentifier(deviceObject, served.instance),
    objectIdentifier(object.type, object.instance),
    characterString(told),
  );
}

function nameIn(tag: Tag | undefined): string | undefined {
  const isName = tag?.kind === "context" && tag.number === 3 && tag.body[0] === 0; // in UTF-8
  return isName ? tag.body.toString("utf8", 1) : undefined;
}

function objectNamed(served: ServedDevice, name: string): { type: number; instance: number } | undefined {
  const self = { type: deviceObject, instance: served.instance };
  return [self, ...served.objects()].find(({ type, instance }) => served.nameOf(type, instance) === name);
}
