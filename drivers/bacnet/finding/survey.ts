import type { Env } from "../../../agent/env.ts";
import { deadlineIn } from "../../deadline.ts";
import { objectsIn } from "../codec.ts";
import { id } from "../object-kinds.ts";
import type { ObjectId } from "../question.ts";
import { type Bus, type Device, deviceObject, objectName } from "../schema.ts";
import type { Hub } from "../wire/hub.ts";
import { keyOfPeer, type Peer, sayPeer } from "../wire/line.ts";
import { whoIs } from "../wire/whois.ts";
import { addressOf, askerOf, gather } from "./gather.ts";
import {
  type Asking,
  isSilent,
  lengthOf,
  numberOf,
  objectOf,
  propertiesOf,
  type SurveyedObject,
  textOf,
  whyNot,
} from "./surveyed-object.ts";
import { pause } from "./sweep.ts";

/** What a device says of its objects, for the draft of a profile. Reads only. */
export interface Surveyed {
  /** As a site file has it. */
  readonly device: Device;
  readonly at: string;
  readonly name: string;
  readonly description: string;
  /** In the device's order. */
  readonly objects: readonly SurveyedObject[];
  /** Those of types that nobody wanted to know of. */
  readonly others: readonly ObjectId[];
  readonly problems: readonly string[];
}

interface Terms {
  readonly bus: Bus;
  readonly env: Env;
  readonly hub: Hub;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  isWanted(type: number): boolean;
  /** So many of the objects are done with. */
  read(count: number, of: number): void;
}

/** For the others on a slow line, after each object. */
const pauseMs = 25;
/** A device that is silent at so many objects, one after the other, has gone. */
const silentMax = 3;
/** More is no list of a device. */
const objectsMax = 20_000;

/** A text: why it cannot be asked. What fails of one object is told, and keeps no other one from being read. */
export async function survey(instance: number, terms: Terms): Promise<Surveyed | string> {
  const { bus, env, hub, timeoutMs, signal, isWanted, read } = terms;
  const peer = await whereIs(instance, terms);
  if (typeof peer === "string") return peer;
  const asking: Asking = {
    ask: askerOf(hub, peer, timeoutMs, signal),
    ability: { isSingle: false },
    by: () => deadlineIn(env, timeoutMs),
  };
  const object = { type: deviceObject, instance };
  const [name, description] = await propertiesOf(object, [{ id: id.name }, { id: id.description }], asking);
  const listed = await objectList(object, asking);
  if ("why" in listed) return `device ${instance} at ${sayPeer(peer)} does not tell its objects (${listed.why})`;
  const problems = [...listed.problems];
  const objects: SurveyedObject[] = [];
  const wanted = listed.objects.filter(({ type }) => isWanted(type));
  let silent = 0;
  for (const [nth, one] of wanted.entries()) {
    if (signal.aborted || silent >= silentMax) {
      problems.push(`${wanted.length - nth} of ${wanted.length} objects were not asked, from ${say(one)} on`);
      break;
    }
    const asked = await objectOf(one, asking);
    silent = "why" in asked && asked.isSilent ? silent + 1 : 0;
    if ("why" in asked) problems.push(`${say(one)}: ${asked.why}`);
    else {
      objects.push(asked.object);
      problems.push(...asked.problems.map((what) => `${say(one)}: ${what}`));
    }
    read(nth + 1, wanted.length);
    await pause(env, pauseMs, signal);
  }
  return {
    ...{ device: addressOf(bus, instance, peer), at: sayPeer(peer), objects, problems },
    ...{ name: textOf(name), description: textOf(description) },
    others: listed.objects.filter(({ type }) => !isWanted(type)),
  };
}

const say = ({ type, instance }: ObjectId): string => `${objectName(type)} ${instance}`;

/** By Who-Is; one that does not answer that may all the same be at the bus's own address. */
async function whereIs(instance: number, { bus, env, hub, timeoutMs, signal }: Terms): Promise<Peer | string> {
  const found = new Map<string, Peer>();
  const terms = { ranges: [{ from: instance, to: instance }], timeoutMs, signal, tried: () => {} };
  const lost = await gather(bus, env, hub, terms, whoIs, (told, peer) => {
    if (told.kind === "i-am") found.set(keyOfPeer(peer), peer);
  });
  const [first, second] = [...found.values()];
  if (lost !== null) return lost;
  if (first !== undefined && second !== undefined)
    return `${found.size} devices answer to instance ${instance}: ${[...found.values()].map(sayPeer).join(" and ")}; give each its own`;
  if (first !== undefined) return first;
  if (bus.host !== undefined) return { host: bus.host, port: bus.port, station: null };
  return `no device answers to instance ${instance}; mepwatch discover shows who does`;
}

interface Listed {
  readonly objects: readonly ObjectId[];
  readonly problems: readonly string[];
}

/** Elements in one request: their answer fits 480 octets, which MS/TP carries. */
const elementsMax = 36;

/** By index, as the whole list of most devices needs segments; a device that cannot do that is asked for the whole. */
async function objectList(device: ObjectId, asking: Asking): Promise<Listed | { readonly why: string }> {
  const list = { id: id.objectList };
  const count = await lengthOf(device, list, asking);
  const length = numberOf(count);
  if (length === null) {
    const [whole] = await propertiesOf(device, [list], asking);
    const objects = whole !== undefined && "result" in whole ? objectsIn(whole.result) : null;
    return objects === null ? { why: whyNot(count) } : { objects: onlyOnce(objects), problems: [] };
  }
  const objects: ObjectId[] = [];
  const problems: string[] = length > objectsMax ? [`object-list: ${length} objects; only ${objectsMax} are read`] : [];
  for (let from = 1; from <= Math.min(length, objectsMax); from += elementsMax) {
    const size = Math.min(elementsMax, Math.min(length, objectsMax) - from + 1);
    const elements = Array.from({ length: size }, (_, i) => ({ ...list, index: from + i }));
    const said = await propertiesOf(device, elements, asking);
    for (const [i, one] of said.entries()) {
      const [object] = ("result" in one ? objectsIn(one.result) : null) ?? [];
      if (object !== undefined) objects.push(object);
      else problems.push(`object-list [${from + i}]: ${whyNot(one)}`);
    }
    if (said.every(isSilent)) break;
  }
  return { objects: onlyOnce(objects), problems };
}

/** Each once, and without the device itself. */
function onlyOnce(objects: readonly ObjectId[]): ObjectId[] {
  const all = new Map(objects.map((one) => [say(one), one]));
  return [...all.values()].filter(({ type }) => type !== deviceObject);
}
