import type { Bus, Device, Site } from "../config/resolved.ts";
import type { IdentityStatus } from "../pipeline/identities.ts";
import type { Look } from "./doctor-look.ts";
import { isOfTheWay, isSilent, type Looked } from "./doctor-looked.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

/** What is found of the devices of one bus, the bus itself first where several share it. */
export async function busFindings(site: Site, bus: Bus, devices: readonly Device[], look: Look): Promise<Finding[]> {
  const looked = await look(bus, devices);
  if (looked.length === 0) return [];
  const isShared = site.devices.some((one) => one.bus === bus.id && one.id !== bus.id);
  const lost = lostWay(looked);
  const found = isShared ? [busFinding(bus, looked, lost)] : [];
  return [...found, ...looked.map((one) => (isShared && lost !== null ? behind(bus, one) : deviceFinding(bus, one)))];
}

/** Why nobody on the bus can be had; null: somebody, or that is not known. */
function lostWay(looked: readonly Looked[]): string | null {
  const reasons = looked.map((one) => (isSilent(one) ? (one.values[0]?.reason ?? null) : null));
  const [first = null] = reasons;
  return reasons.every(isOfTheWay) ? first : null;
}

function busFinding(bus: Bus, looked: readonly Looked[], lost: string | null): Finding {
  const of = `bus ${bus.id}`;
  const answering = looked.filter((one) => !isSilent(one)).length;
  if (lost !== null) return wrong(of, lost, remedyFor(bus, lost));
  const what = `${answering} of ${looked.length} devices answer`;
  return answering > 0 ? ok(of, what) : wrong(of, what, remedyFor(bus, looked[0]?.values[0]?.reason ?? null));
}

const behind = ({ id }: Bus, { device }: Looked): Finding =>
  wrong(`device ${device.id}`, `not reached: the bus ${id} cannot be had`, "See the bus.");

function deviceFinding(bus: Bus, looked: Looked): Finding {
  const { device, values, identity, guess, units } = looked;
  const of = `device ${device.id}`;
  const bad = values.filter(({ quality }) => quality === "bad");
  if (isSilent(looked) || isOneReason(values, /^identity_mismatch: /)) {
    const [first] = values;
    const what = guess === null ? (first?.reason ?? "") : `${first?.reason}; ${guess.what}`;
    return wrong(of, what, guess?.remedy ?? remedyFor(bus, first?.reason ?? null));
  }
  const who = sayWho(identity);
  const counted = `${values.length - bad.length} of ${values.length} points with a plausible value${who === "" ? "" : `, ${who}`}`;
  const apart = units.map(({ point, what }) => `${point}  ${what}`);
  const details = [...bad.map(({ point, reason }) => `${point}  ${reason}`), ...apart];
  if (identity?.verdict === "other") {
    const remedy = `Check cabling; if it was replaced, mepwatch accept ${device.id}, or correct its identity in the site file.`;
    return wrong(of, `another device: ${sayOther(identity)}; ${counted}`, remedy, details);
  }
  if (bad.length > 0) {
    const what = guess === null ? counted : `${counted}; ${guess.what}`;
    return wrong(of, what, guess?.remedy ?? pointRemedy(bad), details);
  }
  if (units.length > 0) {
    const what = `${counted}; of ${units.length} the device tells another unit than the profile`;
    const remedy =
      "Correct unit and scale of these points in the profile; or where the device is wrong about itself, its units.";
    // Of another quantity altogether is what nobody set at the device.
    return units.some(({ isOfNumber }) => isOfNumber)
      ? wrong(of, what, remedy, details)
      : { ...note(of, what, remedy), details };
  }
  if (identity?.verdict === "untold")
    return note(of, `${counted}; it tells nothing of what it is known by (${sayParts(identity.expected)})`);
  return ok(of, counted);
}

const isOneReason = (values: Looked["values"], pattern: RegExp): boolean =>
  values.length > 0 &&
  pattern.test(values[0]?.reason ?? "") &&
  values.every(({ reason }) => reason === values[0]?.reason);

const sayParts = (parts: IdentityStatus["expected"]): string =>
  Object.entries(parts)
    .map(([part, text]) => `${part} ${text}`)
    .join(", ");

const sayWho = (identity: IdentityStatus | null): string =>
  identity === null || Object.keys(identity.told).length === 0 ? "" : sayParts(identity.told);

function sayOther({ told, expected }: IdentityStatus): string {
  const all = told as Readonly<Record<string, string>>;
  return Object.entries(expected)
    .filter(([part, text]) => all[part] !== undefined && all[part] !== text)
    .map(([part, text]) => `${part} ${all[part]} (expected ${text})`)
    .join(", ");
}

/** By protocol and fault: what makes a device silent. */
const remedies: Readonly<Record<string, string>> = {
  "modbus timeout":
    "Check its unit (mepwatch discover shows who answers), its wiring, and that it is on; a slow gateway wants a longer timeout.",
  "modbus bad_reply": "Check baud, parity and stopBits, the transport, and that no two devices have one unit.",
  "snmp timeout":
    "Check host, community or user, and version: a device says nothing to a wrong one; and whom it lets ask (its access list).",
  "snmp device_error": "Check user, auth and priv.",
  "bacnet timeout":
    "Check host, port and instance (mepwatch discover shows who answers), network and mac of one behind a router, and that no firewall is between.",
  "bacnet identity_mismatch":
    "Correct its instance, or the address of its bus; mepwatch discover shows who is where. Two devices of one instance: change one.",
  unreachable: "Check host and port, or the serial port; that the way there is up, and that no other program has it.",
};

function remedyFor({ driver }: Bus, reason: string | null): string {
  const [fault = ""] = (reason ?? "").split(":");
  if (isOfTheWay(reason)) return remedies.unreachable ?? "";
  return remedies[`${driver.protocol} ${fault}`] ?? "Check its address and options in the site file.";
}

/** By why points are bad. */
const pointRemedies: readonly (readonly [RegExp, string])[] = [
  [/^no_such_point/, "Check the addresses of these points against the manual of this model and firmware."],
  [/^(implausible|not_finite|sentinel)/, "Check their type, order and scale; or the sensor."],
  [/^not_available/, "The device has no value there: a sensor that is not connected, or an option it lacks."],
];

const pointRemedy = (bad: Looked["values"]): string =>
  pointRemedies.find(([pattern]) => bad.some(({ reason }) => pattern.test(reason ?? "")))?.[1] ??
  "Read them again; mepwatch explain tells why a value is bad.";
