import { type Address, isOfEvents, objectTypes } from "../schema.ts";

/** What is measured, commanded or calculated is an object of another type in each case, and lists name the wrong one. */
const roles = ["input", "output", "value"] as const;

/** Where an object may be that the device does not have: under the same instance, as another type of its kind. */
export function mistaken(
  address: Address,
): { readonly mistake: string; readonly address: Address; readonly isOfPoint: true }[] {
  if (isOfEvents(address)) return [];
  const [, kind] = /^(analog|binary|multi-state)-/.exec(String(address.object)) ?? [];
  if (kind === undefined) return [];
  return roles.flatMap((role) => {
    const object = `${kind}-${role}` as keyof typeof objectTypes;
    return object === address.object || !(object in objectTypes)
      ? []
      : [{ mistake: `they are ${role}s`, address: { ...address, object }, isOfPoint: true as const }];
  });
}
