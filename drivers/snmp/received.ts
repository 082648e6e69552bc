import * as ber from "./ber.ts";
import { decodeEnvelope, encode, errors, type Pdu, pdus, versions } from "./message.ts";
import { type Notification, notificationOf } from "./notification.ts";

/** What came of a datagram that nobody asked for. */
export type Received =
  | {
      readonly kind: "notification";
      readonly notification: Notification;
      /** How it came, such as "trap, SNMPv2c". */
      readonly by: string;
      /** Of the sender's engine, if it has proven that it is from there. */
      readonly engineId?: Buffer | undefined;
      /** Confirms it; absent: it is a trap. */
      confirm?(): Buffer;
    }
  /** Its sender has to know our engine first (RFC 3414, 4). */
  | { readonly kind: "asked"; readonly reply: Buffer }
  | { readonly kind: "refused"; readonly why: string; readonly reply?: Buffer };

export const refused = (why: string): Received => ({ kind: "refused", why });

/** The Response that confirms an inform (RFC 3416, 4.2.7). */
export const confirmation = (inform: Pdu): Pdu => ({
  ...inform,
  ...{ pdu: pdus.response, errorStatus: errors.none, errorIndex: 0 },
});

/** As SNMPv1 and SNMPv2c bring them: in the clear, with a community that anybody on the way can read. */
export function communityReceiver(communities: ReadonlySet<string>): (datagram: Buffer) => Received {
  return (datagram) => {
    const envelope = decodeEnvelope(datagram);
    if (envelope === undefined) return refused("no message of SNMP, or one that does not decode");
    const { version, community, body } = envelope;
    if (!communities.has(community)) return refused("a community that is not in traps.communities");
    const isV1 = version === versions.v1;
    const notification = isV1 === (body.tag === pdus.trapV1) ? notificationOf(body) : undefined;
    if (notification === undefined) return refused(unreadable);
    const { inform } = notification;
    if (inform === undefined) return { kind: "notification", notification, by: `trap, SNMPv${isV1 ? "1" : "2c"}` };
    const confirm = (): Buffer => encode({ version, community, ...confirmation(inform) });
    return { kind: "notification", notification, by: "inform, SNMPv2c", confirm };
  };
}

export const unreadable = "neither a trap nor an inform, or one that does not decode";

/** Whether a datagram says that it is of SNMPv3. */
export function isV3(datagram: Buffer): boolean {
  const sequence = ber.firstElement(datagram)?.element;
  const first = sequence?.tag === ber.tags.sequence ? ber.firstElement(sequence.content)?.element : undefined;
  return ber.integerOf(first) === versions.v3;
}
