import type { Device, Site } from "../config/resolved.ts";
import { lacking, type Person } from "../core/authority.ts";
import type { Refusal } from "../core/command.ts";
import { fixedParts, type Identity, isKnown } from "../core/identity.ts";
import type { Identities } from "./identities.ts";

/** What a person asks for who has replaced a device: that the one which answers now is taken for the right one. */
export interface Acceptance {
  readonly device: string;
  readonly by: Person;
  readonly reason: string;
}

export interface Accepted {
  readonly device: string;
  readonly was: Identity;
  readonly is: Identity;
}

/** @param landed it is kept, and holds from now on */
export function acceptDevice(
  { devices }: Site,
  identities: Pick<Identities, "all" | "accept">,
  { device: id, by, reason }: Acceptance,
  preview: boolean,
  landed: (device: Device) => void,
): Accepted | Refusal {
  const device = devices.find((one) => one.id === id);
  const known = identities.all().get(id);
  if (device === undefined) return refusal("not_found", `no device "${id}"`);
  if (known === undefined)
    return refusal("not_found", `nothing tells who ${id} is; expected identity: in profile ${device.profile}`);
  const not = lacking("accept", by.role);
  if (not !== null) return refusal("forbidden", not);
  if (reason.trim() === "") return refusal("invalid_args", "expected a reason");
  const { expected: was, told: is, given, verdict } = known;
  if (verdict === "unknown") return refusal("invalid_state", "it has not told who it is since it was last silent");
  const fixed = fixedParts.find((part) => contradicts(given[part], is[part], isKnown(is)));
  if (fixed !== undefined) {
    const what = `the site file (site.yaml) gives ${fixed} ${given[fixed]} under identity of ${id}`;
    return refusal("invalid_state", `${what}, it tells ${is[fixed] ?? "none"}; change it there`);
  }
  if (preview) return { device: id, was, is };
  try {
    identities.accept(id, { user: by.user, reason });
  } catch (error) {
    return refusal("busy", `the store takes nothing now (${String(error)}); ask again later`);
  }
  landed(device);
  return { device: id, was, is };
}

/** What does not tell this part may tell enough else. */
const contradicts = (given: string | undefined, told: string | undefined, tellsElse: boolean): boolean =>
  given !== undefined && (told === undefined ? !tellsElse : told !== given);

const refusal = (code: Refusal["code"], detail: string): Refusal => ({ code, detail });
