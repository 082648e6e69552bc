import type { Env } from "../../agent/env.ts";
import type { Secret } from "../../agent/secret.ts";
import { type AuthProtocol, type Keys, localized, masterKey, type PrivProtocol, privacyKey } from "./usm.ts";

export interface Passphrases {
  readonly auth?: { readonly protocol: AuthProtocol; readonly key: Secret } | undefined;
  readonly priv?: { readonly protocol: PrivProtocol; readonly key: Secret } | undefined;
}

/** Engines whose keys are kept: more than one device has, and than an agent hears traps of. */
const enginesMax = 500;

/**
 * The user's keys for an engine. Making them takes milliseconds, so the last ones are kept; the privacy key is made when it is
 * asked for, after a digest has been seen to be right: nobody else can make us work for it.
 */
export function keyring({ auth, priv }: Passphrases): (engineId: Buffer) => Keys {
  const masterOf = (secret: Secret | undefined) =>
    once(() => secret && masterKey(auth?.protocol ?? "md5", secret.reveal()));
  const masters = { auth: masterOf(auth?.key), priv: masterOf(priv?.key) };
  const made = new Map<string, Keys>();
  return (engineId) => {
    const id = engineId.toString("hex");
    const known = made.get(id);
    if (known !== undefined) return known;
    const own = Buffer.from(engineId);
    const authMaster = masters.auth();
    const privKey = once(() => {
      const master = masters.priv();
      return auth && priv && master && { ...priv, key: privacyKey(auth.protocol, priv.protocol, master, own) };
    });
    const keys: Keys = {
      auth: auth && authMaster && { ...auth, key: localized(auth.protocol, authMaster, own) },
      get priv() {
        return privKey();
      },
    };
    made.set(id, keys);
    if (made.size > enginesMax) made.delete(made.keys().next().value ?? "");
    return keys;
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Eight octets that do not come twice: counted on from somewhere, as RFC 3826, 3.1.2.1 wants it. */
export function salts(env: Env): () => Buffer {
  const half = () => BigInt(Math.floor(env.random() * 2 ** 32));
  let count = (half() << 32n) | half();
  return () => {
    count = BigInt.asUintN(64, count + 1n);
    const salt = Buffer.alloc(8);
    salt.writeBigUInt64BE(count);
    return salt;
  };
}
