import type { Env } from "../../agent/env.ts";
import * as ber from "./ber.ts";
import { keyring, type Passphrases, salts } from "./keyring.ts";
import { errors, type Pdu, pdus } from "./message.ts";
import type { Answering, Respond } from "./served.ts";
import { isAuthentic, type Keys, opened, seal } from "./usm.ts";
import { decodeScoped, decodeV3, flags, levelMask, type MessageV3, scopedElement } from "./v3.ts";

/** SNMPv3 with the user-based security model (RFC 3414, 3.2), as the side that answers: the simulator's engine. */

export interface ServedUser extends Passphrases {
  readonly user: string;
  readonly context: string;
}

/** Seconds by which the time that is asked with may differ (RFC 3414, 2.2.3). */
const windowS = 150;
const empty = Buffer.alloc(0);
/** Why a request is not answered (RFC 3414, 5; RFC 3413, 4.1.2). */
const reports = {
  unsupportedSecLevels: "1.3.6.1.6.3.15.1.1.1.0",
  notInTimeWindows: "1.3.6.1.6.3.15.1.1.2.0",
  unknownUserNames: "1.3.6.1.6.3.15.1.1.3.0",
  unknownEngineIds: "1.3.6.1.6.3.15.1.1.4.0",
  wrongDigests: "1.3.6.1.6.3.15.1.1.5.0",
  decryptionErrors: "1.3.6.1.6.3.15.1.1.6.0",
  unknownContexts: "1.3.6.1.6.3.12.1.5.0",
} as const;

/** One user, who must ask with all the security that was agreed with it. */
export function answeringUser({ user, context, ...passphrases }: ServedUser, env: Env): Answering {
  const id = engineIdOf(env);
  const keys = keyring(passphrases)(id);
  const level = (keys.auth ? flags.auth : 0) | (keys.priv ? flags.priv : 0);
  const nextSalt = salts(env);
  const counts = new Map<string, number>();
  let [boots, bootedAt] = [1, env.clock.mono()];
  const time = (): number => Math.floor((env.clock.mono() - bootedAt) / 1000);

  const sealed = (asked: MessageV3, scoped: { contextName: string; pdu: Pdu }, under: Keys): Buffer => {
    const data = scopedElement({ contextEngineId: id, ...scoped });
    const engine = { engineId: id, boots, time: time() };
    return seal({ ...asked, ...engine, flags: 0, digest: empty, salt: empty, data }, under, nextSalt());
  };

  function report(asked: MessageV3, oid: string, under: Keys = {}): Buffer | undefined {
    if ((asked.flags & flags.reportable) === 0) return undefined;
    const count = (counts.get(oid) ?? 0) + 1;
    counts.set(oid, count);
    const requestId = decodeScoped(asked.data)?.pdu.requestId ?? 0;
    const bindings = [{ oid, value: ber.integer(count % 2 ** 32, ber.tags.counter32) }];
    const pdu = { pdu: pdus.report, requestId, errorStatus: errors.none, errorIndex: 0, bindings };
    return sealed(asked, { contextName: "", pdu }, under);
  }

  function answer(datagram: Buffer, respond: Respond): Buffer | undefined {
    const decoded = decodeV3(datagram);
    if (decoded === undefined) return undefined;
    const { message, whole } = decoded;
    const signed: Keys = { auth: keys.auth };
    if (!message.engineId.equals(id)) return report(message, reports.unknownEngineIds);
    if (message.user !== user) return report(message, reports.unknownUserNames);
    if ((message.flags & levelMask) !== level) return report(message, reports.unsupportedSecLevels);
    if (keys.auth && !isAuthentic(whole, message, keys.auth)) return report(message, reports.wrongDigests);
    const isInTime = message.boots === boots && Math.abs(message.time - time()) <= windowS;
    if (keys.auth && !isInTime) return report(message, reports.notInTimeWindows, signed);
    const scoped = keys.priv ? opened(message, keys.priv) : message.data;
    const asked = scoped && decodeScoped(scoped);
    if (asked === undefined) return keys.priv && report(message, reports.decryptionErrors, signed);
    if (asked.contextName !== context) return report(message, reports.unknownContexts, keys);
    return respond(asked.pdu, false, (pdu) => sealed(message, { contextName: context, pdu }, keys));
  }

  return {
    answer,
    reboot() {
      boots++;
      bootedAt = env.clock.mono();
    },
  };
}

/** Of no maker, in octets of its own making (RFC 3411, 5, SnmpEngineID), so that no two simulated engines are one. */
function engineIdOf(env: Env): Buffer {
  const own = Array.from({ length: 8 }, () => Math.floor(env.random() * 256));
  return Buffer.from([0x80, 0, 0, 0, 5, ...own]);
}
