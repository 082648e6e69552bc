import { misbehaviours, named } from "../simulator.ts";

/**
 * What a simulated SNMP device may do wrong, beside those of every protocol. tooBig: refuses more than 5 OIDs · endlessWalk:
 * GetNext and GetBulk repeat the OID that they were asked for · reboot: boots anew, at once and each 10 s · wrongSource:
 * answers from another port.
 */
const snmpFaults = [...misbehaviours, "tooBig", "endlessWalk", "reboot", "wrongSource"] as const;
export type SnmpFault = (typeof snmpFaults)[number];

/** @throws on a name that is none, with those there are */
export const snmpFaultNamed = (name: string): SnmpFault => named(snmpFaults, name);
