import type { Deadline } from "../deadline.ts";
import type { Inquiry, Told } from "../driver.ts";
import { untold } from "../told.ts";
import type { Ability } from "./ability.ts";
import { readProperties } from "./asked-object.ts";
import { toldOf } from "./codec.ts";
import type { Ask } from "./reader.ts";
import { type Device, deviceObject, deviceProperties, type Part } from "./schema.ts";

/** What a device's object says of it. */
export async function tell(
  { instance }: Pick<Device, "instance">,
  parts: Inquiry<Device, Part>["parts"],
  ask: Ask,
  ability: Pick<Ability, "isSingle">,
  by: Deadline,
): Promise<readonly Told[]> {
  const properties = parts.map(({ address }) => ({ id: deviceProperties[address.property] }));
  const said = await readProperties({ type: deviceObject, instance }, properties, ask, ability, by);
  return parts.map(({ name }, nth) => {
    const one = said[nth];
    if (one !== undefined && "result" in one) return toldOf(name, one.result);
    return untold(name, one?.fault ?? "bad_reply", one?.detail ?? "not asked");
  });
}
