import type { Env } from "../../agent/env.ts";
import { type Answer, answerOf, type Dialect, type Heard, idOf, type Turn } from "./dialect.ts";
import { keyring, type Passphrases, salts } from "./keyring.ts";
import { type Pdu, pdus, requestOf } from "./message.ts";
import { isAuthentic, type Keys, opened, seal } from "./usm.ts";
import {
  type DecodedV3,
  decodeScoped,
  decodeV3,
  encodeV3,
  flags,
  levelMask,
  type MessageV3,
  scopedElement,
} from "./v3.ts";

/** SNMPv3 with the user-based security model (RFC 3414), as the side that asks. */

export interface User extends Passphrases {
  readonly user: string;
  readonly context: string;
}

/** What the device has told of its engine, and when that was by our clock, ms. */
interface Engine {
  readonly id: Buffer;
  readonly boots: number;
  readonly time: number;
  readonly at: number;
}

const empty = Buffer.alloc(0);
const nobody: MessageV3 = {
  ...{ msgId: 0, flags: flags.reportable, engineId: empty, boots: 0, time: 0, user: "", digest: empty, salt: empty },
  data: { tag: 0, content: empty },
};

/** How often a device may say in one turn that something was missing: its engine, then its time, and each once more. */
const againMax = 4;

export function userBased(user: User, env: Env): Dialect {
  const keysOf = keyring(user);
  const nextSalt = salts(env);
  const level = (user.auth ? flags.auth : 0) | (user.priv ? flags.priv : 0);
  const doubtful = `is ${user.priv ? "the priv key" : user.context === "" ? "the user" : "the context"} right?`;
  let engine: Engine | undefined;

  function learn({ engineId: id, boots, time }: MessageV3): void {
    engine = { id: Buffer.from(id), boots, time, at: env.clock.mono() };
  }

  /** The request, or where the engine is not known yet a question for it (RFC 3414, 4). */
  function datagramOf(msgId: number, pdu: Pdu): Buffer {
    if (engine === undefined) {
      const nothing = { contextEngineId: empty, contextName: "", pdu: { ...pdu, bindings: [] } };
      return encodeV3({ ...nobody, msgId, data: scopedElement(nothing) });
    }
    const time = Math.min(2 ** 31 - 1, engine.time + Math.floor((env.clock.mono() - engine.at) / 1000));
    const data = scopedElement({ contextEngineId: engine.id, contextName: user.context, pdu });
    const clear = { ...nobody, msgId, engineId: engine.id, boots: engine.boots, time, user: user.user, data };
    return seal(clear, keysOf(engine.id), nextSalt());
  }

  function ask(oids: readonly string[], repetitions = 0): Turn {
    const request = requestOf(idOf(env), oids, repetitions);
    let again = 0;
    let current: { readonly msgId: number; readonly datagram: Buffer } | undefined;

    function heardReport(message: MessageV3, pdu: Pdu): Heard {
      const report = reports.find(({ oid }) => pdu.bindings[0]?.oid.startsWith(oid));
      const isAsking = engine === undefined || report?.mend !== undefined;
      if (isAsking && message.engineId.length > 0 && again < againMax) {
        again++;
        current = undefined;
        learn(report?.mend === "time" && engine !== undefined ? { ...message, engineId: engine.id } : message);
        return { kind: "again" };
      }
      engine = undefined;
      return refusedBy(report?.detail ?? `a Report of ${pdu.bindings[0]?.oid ?? "nothing"}`);
    }

    return {
      next() {
        if (current === undefined) {
          const msgId = idOf(env);
          current = { msgId, datagram: datagramOf(msgId, request) };
        }
        return current.datagram;
      },
      hear(datagram) {
        const decoded = decodeV3(datagram);
        if (decoded === undefined) return { kind: "garbage", what: "what came is no SNMPv3 message" };
        const { message } = decoded;
        if (message.msgId !== current?.msgId) return { kind: "other" };
        const pdu = believed(decoded, { user: user.user, level, engine, keysOf });
        if (typeof pdu === "string") return { kind: "garbage", what: pdu };
        if (pdu.pdu === pdus.report) return heardReport(message, pdu);
        if (pdu.requestId !== request.requestId) return { kind: "other" };
        if (level & flags.auth) learn(message);
        return answerOf(pdu, oids);
      },
      hint: () => (again === 0 ? "" : `; yet it has told its engine: ${doubtful}`),
    };
  }

  return {
    ask,
    forget() {
      engine = undefined;
    },
  };
}

interface Expected {
  readonly user: string;
  /** Of `flags`. */
  readonly level: number;
  readonly engine: Engine | undefined;
  keysOf(engineId: Buffer): Keys;
}

/** The PDU of a message that is to be believed; a text says why it is not. */
function believed({ message, whole }: DecodedV3, { user, level, engine, keysOf }: Expected): Pdu | string {
  const said = message.flags & levelMask;
  const keys = said === 0 ? {} : keysOf(message.engineId);
  if (said & flags.auth && !(keys.auth && isAuthentic(whole, message, keys.auth))) {
    return "the digest of what came is wrong: it is not from the device, or its key is another";
  }
  if (said & flags.priv && !(said & flags.auth)) return "what came is encrypted, and nobody vouches for it";
  const scoped = said & flags.priv ? keys.priv && opened(message, keys.priv) : message.data;
  const pdu = scoped && decodeScoped(scoped)?.pdu;
  if (pdu === undefined) return "what came does not decode";
  // A Report may come in the clear, since it tells that there is no security yet; it never has a value.
  if (pdu.pdu === pdus.report) return pdu;
  if (said !== level) return "what came has another level of security than what was asked";
  if (pdu.pdu !== pdus.response) return "what came is no Response";
  if (engine === undefined || !message.engineId.equals(engine.id)) return "the answer is of another engine";
  return message.user === user ? pdu : "the answer is of another user";
}

const refusedBy = (detail: string): Answer => ({ kind: "fault", fault: "device_error", detail });

/** Why an engine did not do what it was asked (RFC 3414, 5; RFC 3412, 5; RFC 3413, 4.1.2), and what of it can be mended. */
const reports: readonly { readonly oid: string; readonly detail: string; readonly mend?: "time" | "engine" }[] = [
  {
    oid: "1.3.6.1.6.3.15.1.1.1.",
    detail: "usmStatsUnsupportedSecLevels: the user may not ask with this auth and priv",
  },
  {
    oid: "1.3.6.1.6.3.15.1.1.2.",
    detail: "usmStatsNotInTimeWindows: its clock is never the one it tells",
    mend: "time",
  },
  { oid: "1.3.6.1.6.3.15.1.1.3.", detail: "usmStatsUnknownUserNames: it does not know the user" },
  {
    oid: "1.3.6.1.6.3.15.1.1.4.",
    detail: "usmStatsUnknownEngineIDs: its engine is never the one it tells",
    mend: "engine",
  },
  { oid: "1.3.6.1.6.3.15.1.1.5.", detail: "usmStatsWrongDigests: the auth key or protocol is another than the user's" },
  {
    oid: "1.3.6.1.6.3.15.1.1.6.",
    detail: "usmStatsDecryptionErrors: the priv key or protocol is another than the user's",
  },
  { oid: "1.3.6.1.6.3.12.1.4.", detail: "snmpUnavailableContexts: the context is not available" },
  { oid: "1.3.6.1.6.3.12.1.5.", detail: "snmpUnknownContexts: it has no such context" },
];
