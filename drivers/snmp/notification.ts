import { isIPv4 } from "node:net";
import { textOf } from "../told.ts";
import * as ber from "./ber.ts";
import { numberOf } from "./codec.ts";
import { type Binding, bindingsOf, decodePdu, inside, type Pdu, pdus } from "./message.ts";

/** Traps and informs (RFC 1157, RFC 3416), those of SNMPv1 in the words of SNMPv2 (RFC 3584, 3.1). Total. */
export interface Notification {
  /** snmpTrapOID.0 */
  readonly oid: string;
  /** Where it began, as the sender says; undefined: it does not say. Anybody may write anything there. */
  readonly agentAddress: string | undefined;
  /** Without sysUpTime.0 and snmpTrapOID.0. */
  readonly bindings: readonly Binding[];
  /** Of an inform, which is to be confirmed; absent: a trap. */
  readonly inform?: Pdu;
}

const sysUpTime = "1.3.6.1.2.1.1.3.0";
const snmpTrapOid = "1.3.6.1.6.3.1.1.4.1.0";
const snmpTrapAddress = "1.3.6.1.6.3.18.1.3.0";
/** Of coldStart (0) to egpNeighborLoss (5), by their generic-trap. */
const snmpTraps = "1.3.6.1.6.3.1.1.5";
const enterpriseSpecific = 6;

/** Undefined unless the PDU is a trap or an inform, well-formed to the last binding. */
export function notificationOf(body: ber.Element): Notification | undefined {
  if (body.tag === pdus.trapV1) return ofV1(body);
  if (body.tag !== pdus.trap && body.tag !== pdus.inform) return undefined;
  const pdu = decodePdu(body);
  return pdu && ofV2(pdu);
}

export function ofV2(pdu: Pdu): Notification | undefined {
  const find = (name: string) => pdu.bindings.find(({ oid }) => oid === name)?.value;
  const oid = ber.oidOf(find(snmpTrapOid));
  if (oid === undefined) return undefined;
  return {
    oid,
    agentAddress: addressIn(find(snmpTrapAddress)),
    bindings: pdu.bindings.filter((one) => one.oid !== sysUpTime && one.oid !== snmpTrapOid),
    ...(pdu.pdu === pdus.inform ? { inform: pdu } : {}),
  };
}

function ofV1(body: ber.Element): Notification | undefined {
  const [from, address, generic, specific, upTime, list] = inside(body, body.tag);
  const enterprise = ber.oidOf(from);
  const [kind, number] = [ber.integerOf(generic), ber.integerOf(specific)];
  const bindings = list && bindingsOf(list);
  if (enterprise === undefined || kind === undefined || number === undefined || bindings === undefined)
    return undefined;
  if (kind < 0 || kind > enterpriseSpecific || number < 0 || upTime?.tag !== ber.tags.timeTicks) return undefined;
  const oid = kind === enterpriseSpecific ? `${enterprise}.0.${number}` : `${snmpTraps}.${kind + 1}`;
  return { oid, agentAddress: addressIn(address), bindings };
}

/** 0.0.0.0 says nothing. */
function addressIn(element: ber.Element | undefined): string | undefined {
  const text = element?.tag === ber.tags.ipAddress ? element.content.join(".") : "";
  return isIPv4(text) && text !== "0.0.0.0" ? text : undefined;
}

/**
 * The same for a trap, whether SNMPv1 brought it or SNMPv2. What SMIv2 calls X.n, SNMPv1 makes of enterprise X and number n, which
 * comes out as X.0.n; only those that are X.0.n from the beginning come out as they were (RFC 3584, 3.1 and 3.2).
 */
export const alike = (oid: string): string => oid.replace(/\.0(?=\.\d+$)/, "");

/** A value for people. */
export function textOfValue(value: ber.Element): string {
  const { tag, content } = value;
  if (tag === ber.tags.octetString) return textOf(content);
  if (tag === ber.tags.ipAddress && content.length === 4) return content.join(".");
  if (tag === ber.tags.counter64 && content.length > 0 && content.length <= 9) {
    return BigInt(`0x${content.toString("hex")}`).toString();
  }
  const oid = ber.oidOf(value);
  if (oid !== undefined) return oid;
  const number = numberOf(value);
  return typeof number === "number" ? String(number) : number.detail;
}
