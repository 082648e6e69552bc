import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import * as ber from "./ber.ts";
import { decodeV3, encodeV3, flags, type MessageV3 } from "./v3.ts";

/**
 * The cryptography of the user-based security model: RFC 3414 (MD5, SHA-1, DES), RFC 7860 (SHA-2), RFC 3826 (AES-128), and
 * AES-192 and AES-256, of which there is no RFC: keys are lengthened as draft-blumenthal-aes-usm-04 does it or, "-c", as
 * draft-reeder-snmpv3-usm-3desede-00 does it, which Cisco's devices do.
 */

export const authProtocols = {
  md5: { hash: "md5", digestOctets: 12 },
  sha1: { hash: "sha1", digestOctets: 12 },
  sha224: { hash: "sha224", digestOctets: 16 },
  sha256: { hash: "sha256", digestOctets: 24 },
  sha384: { hash: "sha384", digestOctets: 32 },
  sha512: { hash: "sha512", digestOctets: 48 },
} as const;
export type AuthProtocol = keyof typeof authProtocols;

const saltOctets = 8;
/** A DES key has eight octets, and as many are what its initialisation vectors are made of. */
export const privProtocols = {
  des: { cipher: null, keyOctets: 16, lengthen: blumenthal },
  aes128: { cipher: "aes-128-cfb", keyOctets: 16, lengthen: blumenthal },
  aes192: { cipher: "aes-192-cfb", keyOctets: 24, lengthen: blumenthal },
  aes256: { cipher: "aes-256-cfb", keyOctets: 32, lengthen: blumenthal },
  "aes192-c": { cipher: "aes-192-cfb", keyOctets: 24, lengthen: reeder },
  "aes256-c": { cipher: "aes-256-cfb", keyOctets: 32, lengthen: reeder },
} as const;
export type PrivProtocol = keyof typeof privProtocols;

/** What is to be said under which keys, which are those of one engine. */
export interface Keys {
  readonly auth?: { readonly protocol: AuthProtocol; readonly key: Buffer } | undefined;
  readonly priv?: { readonly protocol: PrivProtocol; readonly key: Buffer } | undefined;
}

const expandedOctets = 2 ** 20;

/** RFC 3414, A.2: a key from a passphrase, which costs a hash of a megabyte. */
export const masterKey = (protocol: AuthProtocol, passphrase: string | Buffer): Buffer =>
  digest(protocol, Buffer.alloc(expandedOctets, passphrase));

export const localized = (protocol: AuthProtocol, master: Buffer, engineId: Buffer): Buffer =>
  digest(protocol, master, engineId, master);

/** The privacy key of an engine, as long as its cipher needs it. */
export function privacyKey(auth: AuthProtocol, priv: PrivProtocol, master: Buffer, engineId: Buffer): Buffer {
  const { keyOctets, lengthen } = privProtocols[priv];
  let key = localized(auth, master, engineId);
  while (key.length < keyOctets) key = Buffer.concat([key, lengthen(auth, key, engineId)]);
  return key.subarray(0, keyOctets);
}

function blumenthal(auth: AuthProtocol, key: Buffer): Buffer {
  return digest(auth, key);
}

/** Right for one lengthening, and no cipher of ours needs more: MD5 and SHA-1 give half of 32 octets at least. */
function reeder(auth: AuthProtocol, key: Buffer, engineId: Buffer): Buffer {
  return localized(auth, masterKey(auth, key), engineId);
}

function digest(protocol: AuthProtocol, ...parts: readonly Buffer[]): Buffer {
  const hash = createHash(authProtocols[protocol].hash);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The datagram of a message whose `data` is in the clear; `salt` must be another for each. */
export function seal(clear: MessageV3, { auth, priv }: Keys, salt: Buffer): Buffer {
  const level = (auth ? flags.auth : 0) | (priv ? flags.priv : 0);
  const message = { ...clear, flags: clear.flags | level, digest: Buffer.alloc(digestOctets(auth?.protocol)) };
  const sealed = priv
    ? { ...message, salt, data: ber.octets(encrypt(priv, { ...message, salt }, ber.encode(clear.data))) }
    : message;
  const datagram = encodeV3(sealed);
  if (auth) decodeV3(datagram)?.message.digest.set(digestOf(auth, datagram));
  return datagram;
}

const digestOctets = (protocol: AuthProtocol | undefined): number =>
  protocol === undefined ? 0 : authProtocols[protocol].digestOctets;

/** Whether `whole`, of which `message` is the decoded form, is from somebody who has the key. */
export function isAuthentic(whole: Buffer, message: MessageV3, auth: NonNullable<Keys["auth"]>): boolean {
  const { digest: given } = message;
  if (given.length !== digestOctets(auth.protocol)) return false;
  const blank = Buffer.from(whole);
  const at = given.byteOffset - whole.byteOffset;
  blank.fill(0, at, at + given.length);
  return timingSafeEqual(digestOf(auth, blank), given);
}

const digestOf = ({ protocol, key }: NonNullable<Keys["auth"]>, datagram: Buffer): Buffer =>
  createHmac(authProtocols[protocol].hash, key).update(datagram).digest().subarray(0, digestOctets(protocol));

/** The scoped PDU of an encrypted message; undefined where that cannot be one under this key. */
export function opened(message: MessageV3, priv: NonNullable<Keys["priv"]>): ber.Element | undefined {
  const { content } = message.data;
  if (message.salt.length !== saltOctets) return undefined;
  if (priv.protocol === "des" && content.length % desBlock !== 0) return undefined;
  const decipher = createDecipheriv(...cipherOf(priv, message)).setAutoPadding(false);
  return ber.firstElement(Buffer.concat([decipher.update(content), decipher.final()]))?.element; // padding may follow
}

function encrypt(priv: NonNullable<Keys["priv"]>, message: MessageV3, clear: Buffer): Buffer {
  const padding = Buffer.alloc(priv.protocol === "des" ? (desBlock - (clear.length % desBlock)) % desBlock : 0);
  const cipher = createCipheriv(...cipherOf(priv, message)).setAutoPadding(false);
  return Buffer.concat([cipher.update(clear), cipher.update(padding), cipher.final()]);
}

const desBlock = 8;

function cipherOf(
  { protocol, key }: NonNullable<Keys["priv"]>,
  { boots, time, salt }: MessageV3,
): [string, Buffer, Buffer] {
  const { cipher } = privProtocols[protocol];
  if (cipher !== null) {
    const iv = Buffer.alloc(16);
    iv.writeUInt32BE(boots, 0);
    iv.writeUInt32BE(time, 4);
    iv.set(salt, 8);
    return [cipher, key, iv];
  }
  // OpenSSL 3 has no DES; Triple DES with the same key thrice is DES.
  const single = key.subarray(0, 8);
  const iv = Buffer.from(salt.map((octet, at) => octet ^ (key[8 + at] ?? 0)));
  return ["des-ede3-cbc", Buffer.concat([single, single, single]), iv];
}
