import { deviceObject } from "../schema.ts";
import type { Tag } from "../wire/tags.ts";
import type { PropertyError, ServedDevice } from "./served.ts";

/** A request to a simulated device, as each of its services takes it. */
export interface Asking {
  readonly served: ServedDevice;
  readonly tags: readonly Tag[];
  /** Octets that there is room for in the answer. */
  readonly room: number;
}

/** What a service makes of a request: an answer's octets, "done", an error; undefined: the request does not decode. */
export type Outcome = Buffer | "done" | PropertyError | undefined;

/** An object identifier; the one that means any device becomes that of the device. */
export function objectIn(tag: Tag | undefined, number: number, served: ServedDevice) {
  if (tag?.kind !== "context" || tag.number !== number || tag.body.length !== 4) return undefined;
  const bits = tag.body.readUInt32BE();
  const [type, instance] = [bits >>> 22, bits & 0x3f_ffff];
  return served.isSelf(type, instance) ? { type: deviceObject, instance: served.instance } : { type, instance };
}

export function numberIn(tag: Tag | undefined, number: number): number | undefined {
  if (tag?.kind !== "context" || tag.number !== number) return undefined;
  return tag.body.length >= 1 && tag.body.length <= 4 ? tag.body.readUIntBE(0, tag.body.length) : undefined;
}
