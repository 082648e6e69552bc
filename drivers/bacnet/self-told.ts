import type { Deadline } from "../deadline.ts";
import type { Inquiry, Told } from "../driver.ts";
import { untold } from "../told.ts";
import { type Answer, resultKey } from "./answer.ts";
import { flawOf, toldOf } from "./codec.ts";
import { readMultiple, readSingle } from "./library.ts";
import type { Ask } from "./reader.ts";
import { type Device, deviceObject, deviceProperties, type Part } from "./schema.ts";

/** What a device's object says of it: all parts in one request, singly where that is refused. */
export async function tell(
  { instance }: Pick<Device, "instance">,
  parts: Inquiry<Device, Part>["parts"],
  ask: Ask,
  isSingle: boolean,
  by: Deadline,
): Promise<readonly Told[]> {
  const object = { type: deviceObject, instance };
  const asked = parts.map(({ name, address }) => ({ name, id: deviceProperties[address.property] }));
  const toldBy = (name: string, id: number, answer: Answer): Told => {
    if (answer.kind === "results") return toldOf(name, answer.results.get(resultKey(object, id)));
    const { fault, detail } = flawOf(answer);
    return untold(name, fault, detail);
  };
  if (!isSingle) {
    const properties = asked.map(({ id }) => ({ id }));
    const answer = await ask((invokeId) => readMultiple([{ object, properties }], invokeId), by);
    if (answer.kind === "results" || answer.kind === "fault")
      return asked.map(({ name, id }) => toldBy(name, id, answer));
  }
  const told: Told[] = [];
  for (const { name, id } of asked)
    told.push(toldBy(name, id, await ask((invokeId) => readSingle(object, { id }, invokeId), by)));
  return told;
}
