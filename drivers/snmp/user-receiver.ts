import type { Env } from "../../agent/env.ts";
import * as ber from "./ber.ts";
import { type Engines, windowS } from "./engines.ts";
import { keyring, type Passphrases, salts } from "./keyring.ts";
import type { LocalEngine } from "./local-engine.ts";
import { errors, pdus } from "./message.ts";
import { ofV2 } from "./notification.ts";
import { confirmation, type Received, refused, unreadable } from "./received.ts";
import { isAuthentic, type Keys, opened, seal } from "./usm.ts";
import { type DecodedV3, decodeScoped, decodeV3, flags, levelMask, type MessageV3, scopedElement } from "./v3.ts";

/**
 * Traps and informs of SNMPv3 with the user-based security model (RFC 3414). Of a trap its sender is the authoritative engine,
 * of an inform we are, so that its sender asks for our engine and its time first, and gets Reports.
 */
export interface TrapUser extends Passphrases {
  readonly user: string;
  /** The only engine whose traps this user's keys are for; absent: any. */
  readonly engineId?: Buffer | undefined;
}

export interface Receiving {
  readonly env: Env;
  readonly engines: Engines;
  readonly local: LocalEngine;
}

/** RFC 3414, 5: what is told to those that speak to our engine, and how often it was. */
const usmStats = "1.3.6.1.6.3.15.1.1";
const stats = {
  unsupportedSecLevels: 1,
  notInTimeWindows: 2,
  unknownUserNames: 3,
  unknownEngineIds: 4,
  wrongDigests: 5,
  decryptionErrors: 6,
} as const;
type Stat = keyof typeof stats;

interface Known {
  readonly user: TrapUser;
  /** Of `flags`. */
  readonly level: number;
  keysOf(engineId: Buffer): Keys;
}

export function userReceiver(users: readonly TrapUser[], receiving: Receiving): (datagram: Buffer) => Received {
  const { engines, local } = receiving;
  const report = reporting(receiving);
  const nextSalt = salts(receiving.env);
  const all = users.map((user): Known => ({ user, level: levelOf(user), keysOf: keyring(user) }));

  /** What is wrong is told to those that speak to our engine, or ask for it; a trap's sender hears nothing. */
  const refuse = (message: MessageV3, why: string, stat: Stat): Received =>
    isFor(local, message) ? { kind: "refused", why, reply: report(message, stat) } : refused(why);

  const judged = (decoded: DecodedV3, isOurs: boolean): Received => {
    const { message } = decoded;
    const named = all.filter(({ user }) => isMeant(user, message, isOurs));
    if (named.length === 0) return refuse(message, "a user that is not in traps.users", "unknownUserNames");
    const said = message.flags & levelMask;
    const levelled = named.filter(({ level }) => level === said);
    if (levelled.length === 0) {
      return refuse(message, "another level of security than the user's in traps.users", "unsupportedSecLevels");
    }
    const sender = said === 0 ? levelled[0] : levelled.find((one) => isFrom(one, decoded));
    if (sender === undefined)
      return refuse(message, "a wrong digest: not from the user, or by another key", "wrongDigests");
    const keys = said === 0 ? {} : sender.keysOf(message.engineId);
    if (said & flags.auth && isOurs && !isInWindow(local, message)) {
      return { kind: "asked", reply: report(message, "notInTimeWindows", keys) };
    }
    if (said & flags.auth && !isOurs && !engines.isTimely(message)) {
      return refused("a message of before, sent again; or its engine's boots and time went back");
    }
    const clear = said & flags.priv ? keys.priv && opened(message, keys.priv) : message.data;
    const scoped = clear && decodeScoped(clear);
    if (scoped === undefined) return refuse(message, "what does not decrypt, or not decode", "decryptionErrors");
    const notification = ofV2(scoped.pdu);
    const { pdu } = scoped;
    if (notification === undefined || pdu.pdu !== (isOurs ? pdus.inform : pdus.trap)) return refused(unreadable);
    const by = `${isOurs ? "inform" : "trap"}, SNMPv3 ${levelName(said)} ${message.user}`;
    const proven = said & flags.auth ? (isOurs ? scoped.contextEngineId : Buffer.from(message.engineId)) : undefined;
    if (!isOurs) return { kind: "notification", notification, by, engineId: proven };
    const confirm = (): Buffer => {
      const data = scopedElement({ ...scoped, pdu: confirmation(pdu) });
      return seal({ ...answerTo(local, message), user: message.user, data }, keys, nextSalt());
    };
    return { kind: "notification", notification, by, engineId: proven, confirm };
  };

  return (datagram) => {
    const decoded = decodeV3(datagram);
    if (decoded === undefined) return refused("no message of SNMPv3 with the user-based security model");
    const { message } = decoded;
    const isOurs = isFor(local, message);
    const heard = judged(decoded, isOurs);
    // Some senders set the flag in traps, too, in which it means nothing (RFC 3412, 6.4).
    const isAsking = heard.kind === "refused" && !isOurs && message.flags & flags.reportable;
    return isAsking ? { kind: "asked", reply: report(message, "unknownEngineIds") } : heard;
  };
}

const isFor = (local: LocalEngine, { engineId }: MessageV3): boolean => engineId.equals(local.engineId);

const isMeant = ({ user, engineId }: TrapUser, message: MessageV3, isOurs: boolean): boolean =>
  user === message.user && (isOurs || engineId === undefined || engineId.equals(message.engineId));

function isFrom({ keysOf }: Known, { message, whole }: DecodedV3): boolean {
  const { auth } = keysOf(message.engineId);
  return auth !== undefined && isAuthentic(whole, message, auth);
}

const isInWindow = (local: LocalEngine, { boots, time }: MessageV3): boolean =>
  boots === local.boots && Math.abs(time - local.time()) <= windowS;

const levelOf = ({ auth, priv }: Passphrases): number => (auth ? flags.auth : 0) | (priv ? flags.priv : 0);
const levelName = (level: number): string =>
  level === 0 ? "noAuthNoPriv" : level & flags.priv ? "authPriv" : "authNoPriv";

const empty = Buffer.alloc(0);
const answerTo = ({ engineId, boots, time }: LocalEngine, { msgId }: MessageV3): MessageV3 => ({
  ...{ msgId, flags: 0, engineId, boots, time: time(), user: "", digest: empty, salt: empty },
  data: ber.octets(empty),
});

/** Reports, in the clear or under the keys that their receiver has. */
function reporting({ env, local }: Receiving) {
  const counts = new Map<Stat, number>();
  const nextSalt = salts(env);
  return (to: MessageV3, stat: Stat, { auth }: Keys = {}): Buffer => {
    const count = (counts.get(stat) ?? 0) + 1;
    counts.set(stat, count);
    // Of an encrypted message the request's id is not known; the message's id is what its sender knows it by.
    const requestId = decodeScoped(to.data)?.pdu.requestId ?? 0;
    const value = ber.integer(count % 2 ** 32, ber.tags.counter32);
    const bindings = [{ oid: `${usmStats}.${stats[stat]}.0`, value }];
    const pdu = { pdu: pdus.report, requestId, errorStatus: errors.none, errorIndex: 0, bindings };
    const data = scopedElement({ contextEngineId: local.engineId, contextName: "", pdu });
    const user = auth === undefined ? "" : to.user;
    return seal({ ...answerTo(local, to), user, data }, { auth }, nextSalt());
  };
}
