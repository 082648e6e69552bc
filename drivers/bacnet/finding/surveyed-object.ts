import type { Deadline } from "../../deadline.ts";
import { readEach, readProperties, type Said } from "../asked-object.ts";
import { decode, isSet, textsIn } from "../codec.ts";
import { id, type Kind, kindOf } from "../object-kinds.ts";
import type { ObjectId, Property } from "../question.ts";
import type { Ask } from "../reader.ts";
import { properties } from "../schema.ts";

/** How many elements an array has. By ReadProperty alone: in ReadPropertyMultiple the library takes index 0 for none. */
export async function lengthOf(object: ObjectId, { id }: Property, { ask, by }: Asking): Promise<Said | undefined> {
  const [count] = await readEach(object, [{ id, index: 0 }], ask, by());
  return count;
}

/** Of what it does not tell nothing is known: "" or null. */
export interface SurveyedObject extends ObjectId {
  readonly name: string;
  readonly description: string;
  /** BACnetEngineeringUnits. */
  readonly units: number | null;
  /** Of a binary object when it is inactive and when active, of one with states from state 1 on. */
  readonly texts: readonly string[];
  readonly least: number | null;
  readonly most: number | null;
  /** Limits at which the device itself alarms, where that is enabled. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface Asking {
  readonly ask: Ask;
  readonly ability: { isSingle: boolean };
  by(): Deadline;
}

/** One that cannot be decoded among others is asked for alone. */
export async function propertiesOf(
  object: ObjectId,
  wanted: readonly Property[],
  { ask, ability, by }: Asking,
): Promise<readonly Said[]> {
  const said = await readProperties(object, wanted, ask, ability, by());
  const isSpoilt = said.every((one) => "fault" in one && one.fault === "bad_reply");
  return isSpoilt && wanted.length > 1 ? readEach(object, wanted, ask, by()) : said;
}

/** More is no set of states. */
const statesMax = 256;

const limits = { least: 69, most: 65, enabled: 52 } as const;
const wantedOf: Readonly<Record<Kind["family"], readonly number[]>> = {
  analog: [
    ...[properties.units, limits.least, limits.most],
    ...[properties["low-limit"], properties["high-limit"], limits.enabled],
  ],
  binary: [id.inactiveText, id.activeText],
  states: [id.stateText],
  other: [properties.units],
};

/** What it says, with what of that failed; or why it says nothing. */
export async function objectOf(
  object: ObjectId,
  asking: Asking,
): Promise<
  | { readonly object: SurveyedObject; readonly problems: readonly string[] }
  | { readonly why: string; readonly isSilent: boolean }
> {
  const { family } = kindOf(object.type);
  const wanted = [id.name, id.description, ...wantedOf[family]];
  const said = await propertiesOf(
    object,
    wanted.map((id) => ({ id })),
    asking,
  );
  const of = (property: number): Said | undefined => said[wanted.indexOf(property)];
  const name = of(id.name);
  if (said.every((one) => "fault" in one)) return { why: whyNot(name), isSilent: said.every(isSilent) };
  const states = family === "states" ? await stateTexts(object, of(id.stateText), asking) : null;
  const enabled = of(limits.enabled);
  const limit = (property: number, bit: number): number | null =>
    enabled !== undefined && "result" in enabled && isSet(enabled.result, bit) ? numberOf(of(property)) : null;
  const missed = [
    [id.name, "object-name"],
    [properties.units, "units"],
  ] as const;
  return {
    object: {
      ...{ ...object, name: textOf(name), description: textOf(of(id.description)) },
      texts: states ?? (family === "binary" ? [textOf(of(id.inactiveText)), textOf(of(id.activeText))] : []),
      ...{ units: numberOf(of(properties.units)), least: numberOf(of(limits.least)), most: numberOf(of(limits.most)) },
      ...{ low: limit(properties["low-limit"], 0), high: limit(properties["high-limit"], 1) },
    },
    problems: missed.flatMap(([property, what]) => {
      const one = of(property);
      return one !== undefined && "fault" in one ? [`${what} not told (${whyNot(one)})`] : [];
    }),
  };
}

/** As a whole, or where that does not fit one by one. */
async function stateTexts(object: ObjectId, whole: Said | undefined, asking: Asking): Promise<readonly string[]> {
  if (whole !== undefined && "result" in whole) return textsIn(whole.result) ?? [];
  if (whole?.fault === "no_such_point") return [];
  const count = await lengthOf(object, { id: id.stateText }, asking);
  const texts: string[] = [];
  for (let index = 1; index <= Math.min(numberOf(count) ?? 0, statesMax); index++) {
    const [one] = await propertiesOf(object, [{ id: id.stateText, index }], asking);
    texts.push(textOf(one));
  }
  return texts;
}

export const isSilent = (said: Said): boolean =>
  "fault" in said && (said.fault === "timeout" || said.fault === "unreachable");
export const whyNot = (said: Said | undefined): string =>
  said !== undefined && "fault" in said ? `${said.fault}: ${said.detail}` : "it tells something else";

export function numberOf(said: Said | undefined): number | null {
  const number = said !== undefined && "result" in said ? decode(said.result) : null;
  return typeof number === "number" ? number : null;
}

export const textOf = (said: Said | undefined): string =>
  said !== undefined && "result" in said ? (textsIn(said.result)?.[0] ?? "") : "";
