import type { Env } from "../../agent/env.ts";
import type { Secret } from "../../agent/secret.ts";
import { type AuthProtocol, type Keys, localized, masterKey, type PrivProtocol, privacyKey } from "./usm.ts";

export interface Passphrases {
  readonly auth?: { readonly protocol: AuthProtocol; readonly key: Secret } | undefined;
  readonly priv?: { readonly protocol: PrivProtocol; readonly key: Secret } | undefined;
}

/** The user's keys for an engine. Making them from passphrases takes milliseconds, so the last ones are kept. */
export function keyring({ auth, priv }: Passphrases): (engineId: Buffer) => Keys {
  const master = (key: Secret) => masterKey(auth?.protocol ?? "md5", key.reveal());
  let masters: { readonly auth: Buffer | undefined; readonly priv: Buffer | undefined } | undefined;
  let last: { readonly engineId: Buffer; readonly keys: Keys } | undefined;
  return (engineId) => {
    if (last?.engineId.equals(engineId)) return last.keys;
    masters ??= { auth: auth && master(auth.key), priv: priv && master(priv.key) };
    const keys: Keys = {
      auth: auth && masters.auth && { ...auth, key: localized(auth.protocol, masters.auth, engineId) },
      priv: auth &&
        priv &&
        masters.priv && { ...priv, key: privacyKey(auth.protocol, priv.protocol, masters.priv, engineId) },
    };
    last = { engineId: Buffer.from(engineId), keys };
    return keys;
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
