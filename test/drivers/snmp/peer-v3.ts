import { Secret } from "../../../agent/secret.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { keyring } from "../../../drivers/snmp/keyring.ts";
import { errors, type Pdu, pdus } from "../../../drivers/snmp/message.ts";
import {
  type AuthProtocol,
  isAuthentic,
  type Keys,
  opened,
  type PrivProtocol,
  seal,
} from "../../../drivers/snmp/usm.ts";
import { decodeScoped, decodeV3, encodeV3, flags, type MessageV3, scopedElement } from "../../../drivers/snmp/v3.ts";
import { boundTo, session } from "./peer.ts";

/** An SNMPv3 agent for the tests, by RFC 3414 unless it is told otherwise. */

export const credentials = {
  user: "ops",
  auth: { protocol: "sha256" as AuthProtocol, key: "authpass12" },
  priv: { protocol: "aes128" as PrivProtocol, key: "privpass12" },
};
export const usmStats = "1.3.6.1.6.3.15.1.1";
const windowS = 150;

export interface Agent {
  engineId: Buffer;
  boots: number;
  /** Seconds since the boot, as it tells them. */
  time: number;
}

/** What is asked, and how it would be answered. */
export interface Asked {
  readonly pdu: Pdu;
  readonly message: MessageV3;
  readonly keys: Keys;
  /** The answer that is right, in the clear. */
  readonly answer: MessageV3;
}

/** The datagram for what was asked. */
export const sealed = ({ keys, answer }: Asked, change: Partial<MessageV3> = {}): Buffer =>
  seal({ ...answer, ...change }, keys, Buffer.alloc(8, 7));

/** The row number of each OID asked for. */
export const rowsOf = ({ bindings }: Pdu): number[] => bindings.map(({ oid }) => Number(oid.split(".").at(-1)));

export function answerTo(agent: Agent, message: MessageV3, pdu: Pdu): MessageV3 {
  const bindings = pdu.bindings.map(({ oid }, at) => ({ oid, value: ber.integer(rowsOf(pdu)[at] ?? 0) }));
  const response = { ...pdu, pdu: pdus.response, bindings };
  return { ...clear(agent, message), user: message.user, data: scoped(agent, response) };
}

export const scoped = (agent: Agent, pdu: Pdu): ber.Element =>
  scopedElement({ contextEngineId: agent.engineId, contextName: "", pdu });

export const clear = ({ engineId, boots, time }: Agent, { msgId }: MessageV3): MessageV3 => ({
  ...{ msgId, flags: 0, engineId, boots, time, user: "", digest: Buffer.alloc(0), salt: Buffer.alloc(0) },
  data: ber.octets(Buffer.alloc(0)),
});

export function report(agent: Agent, message: MessageV3, oid: string): MessageV3 {
  const bindings = [{ oid: `${oid}.0`, value: ber.integer(1, ber.tags.counter32) }];
  const pdu = { pdu: pdus.report, requestId: 0, errorStatus: errors.none, errorIndex: 0, bindings };
  return { ...clear(agent, message), data: scoped(agent, pdu) };
}

export const keysFor = keyring({
  auth: { ...credentials.auth, key: new Secret(credentials.auth.key) },
  priv: { ...credentials.priv, key: new Secret(credentials.priv.key) },
});

/** What an agent makes of a datagram: a datagram of its own, or what was asked of it. */
export function heardBy(agent: Agent, datagram: Buffer): Buffer | Asked {
  const { message, whole } = decodeV3(datagram)!;
  if (!message.engineId.equals(agent.engineId)) return encodeV3(report(agent, message, `${usmStats}.4`));
  const keys = keysFor(agent.engineId);
  if (message.user !== credentials.user) return encodeV3(report(agent, message, `${usmStats}.3`));
  if ((message.flags & flags.priv) === 0) return encodeV3(report(agent, message, `${usmStats}.1`));
  if (!isAuthentic(whole, message, keys.auth!)) return encodeV3(report(agent, message, `${usmStats}.5`));
  if (message.boots !== agent.boots || Math.abs(message.time - agent.time) > windowS) {
    return seal(report(agent, message, `${usmStats}.2`), { auth: keys.auth }, Buffer.alloc(8));
  }
  const pdu = decodeScoped(opened(message, keys.priv!)!)!.pdu;
  return { pdu, message, keys, answer: answerTo(agent, message, pdu) };
}

/** What to send for the nth request that it would answer (from 0). */
export type ScriptV3 = (asked: Asked, nth: number) => Buffer | Buffer[] | undefined;

/** `heard` counts what came, discovery too; `lose` says of the nth datagram whether it never arrived. */
export async function peerV3(script: ScriptV3 = (asked) => sealed(asked), lose = (_nth: number) => false) {
  const agent: Agent = { engineId: Buffer.from("8000000001020304", "hex"), boots: 7, time: 1000 };
  const socket = await boundTo("127.0.0.1");
  const heard: number[] = [];
  let nth = 0;
  socket.on("message", (datagram, from) => {
    heard.push(datagram.length);
    if (lose(heard.length - 1)) return;
    const asked = heardBy(agent, datagram);
    const answers = Buffer.isBuffer(asked) ? asked : (script(asked, nth++) ?? []);
    for (const answer of [answers].flat()) socket.send(answer, from.port, from.address);
  });
  return { agent, heard, port: socket.address().port };
}

export const sessionV3 = (port: number, change: object = {}) =>
  session(port, { version: 3, ...credentials, ...change });
