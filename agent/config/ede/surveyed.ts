import type { Surveyed } from "../../../drivers/bacnet/finding/survey.ts";
import type { SurveyedObject } from "../../../drivers/bacnet/finding/surveyed-object.ts";
import { typeName } from "../../../drivers/bacnet/type-names.ts";
import { type EdeObject, hasStates, noUnit, readable } from "./object.ts";
import type { EdeDevice } from "./objects.ts";
import { unitIn } from "./units.ts";

/** What a device tells of itself, as its EDE files would. `from`: where it was asked, for people. */
export function surveyedDevice(
  { device, name, description, objects, others }: Surveyed,
  from: string,
): Omit<EdeDevice, "problems"> {
  const { instance, network, mac } = device;
  const unread = new Map<string, number>();
  for (const { type } of others) {
    const called = typeName(type) ?? `type ${type}`;
    unread.set(called, (unread.get(called) ?? 0) + 1);
  }
  return {
    ...{ instance, name, description, project: "", files: [from], unread },
    ...(network !== undefined && mac !== undefined && { route: { network, mac } }),
    objects: objects.flatMap(objectOf),
  };
}

function objectOf({ type, instance, name, description, units, texts, ...bounds }: SurveyedObject): EdeObject[] {
  const object = readable.get(type);
  if (object === undefined) return [];
  const isState = hasStates(object);
  const said = isState || units === null ? noUnit : unitIn(String(units), new Map());
  const { least, most, low, high } = bounds;
  const first = object.startsWith("binary-") ? 0 : 1;
  return [
    {
      ...{ object, instance, name, description, isState, isSettable: object.endsWith("-output") },
      unit: typeof said === "string" ? noUnit : said,
      unitless: typeof said === "string" ? said : "",
      texts: texts.map((text, at) => [first + at, text] as const).filter(([, text]) => text !== ""),
      range: least !== null && most !== null && isBound(least) && isBound(most) && least < most ? [least, most] : null,
      limits: { low, high },
    },
  ];
}

/** The greatest numbers there are say that there is no bound. */
const isBound = (value: number): boolean => Math.abs(value) < 1e30;
