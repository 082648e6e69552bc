import { expect, test } from "vitest";
import { octets, text } from "../../../drivers/snmp/ber.ts";
import {
  type AuthProtocol,
  authProtocols,
  isAuthentic,
  localized,
  masterKey,
  opened,
  type PrivProtocol,
  privacyKey,
  privProtocols,
  seal,
} from "../../../drivers/snmp/usm.ts";
import { decodeV3, type MessageV3 } from "../../../drivers/snmp/v3.ts";

const engineId = Buffer.from("000000000000000000000002", "hex");

test.each<[AuthProtocol, string, string]>([
  ["md5", "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"],
  ["sha1", "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"],
])("RFC 3414, A.3: %s makes of maplesyrup the keys that stand there", (protocol, master, local) => {
  const key = masterKey(protocol, "maplesyrup");
  expect(key.toString("hex")).toBe(master);
  expect(localized(protocol, key, engineId).toString("hex")).toBe(local);
});

test.each<[AuthProtocol, string]>([
  ["md5", "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"],
  ["sha1", "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c"],
])("draft-reeder-snmpv3-usm-3desede-00, B: %s lengthens the key to what stands there", (protocol, expected) => {
  const key = privacyKey(protocol, "aes256-c", masterKey(protocol, "maplesyrup"), engineId);
  expect(key.toString("hex")).toBe(expected);
});

const auths = Object.keys(authProtocols) as AuthProtocol[];
const pairs = auths.flatMap((auth) => (Object.keys(privProtocols) as PrivProtocol[]).map((priv) => ({ auth, priv })));
const message = (content: string): MessageV3 => ({
  ...{ msgId: 1, flags: 0, engineId, boots: 1, time: 2, user: "ops", digest: Buffer.alloc(0), salt: Buffer.alloc(0) },
  data: { tag: 0x30, content: Buffer.from(content) },
});

test.each(pairs)("$auth with $priv: what is sealed opens with the same keys, and with no other", ({ auth, priv }) => {
  const keys = (passphrase: string) => {
    const master = masterKey(auth, passphrase);
    return {
      auth: { protocol: auth, key: localized(auth, master, engineId) },
      priv: { protocol: priv, key: privacyKey(auth, priv, master, engineId) },
    };
  };
  const [right, wrong] = [keys("maplesyrup"), keys("maplesirup")];
  for (const content of ["", "x", "1234567", "12345678", "x".repeat(300)]) {
    const { message: heard, whole } = decodeV3(seal(message(content), right, Buffer.alloc(8, 3)))!;
    expect(isAuthentic(whole, heard, right.auth)).toBe(true);
    expect(isAuthentic(whole, heard, wrong.auth)).toBe(false);
    expect(opened(heard, right.priv)).toEqual(message(content).data);
    expect(opened(heard, wrong.priv)).not.toEqual(message(content).data);
    expect(heard.digest.length).toBe(authProtocols[auth].digestOctets);
  }
});

test.each(pairs)("$auth with $priv: what cannot be decrypted is undefined", ({ auth, priv }) => {
  const key = privacyKey(auth, priv, masterKey(auth, "maplesyrup"), engineId);
  const damaged = [
    { ...message(""), salt: Buffer.alloc(7), data: octets(Buffer.alloc(8)) },
    { ...message(""), salt: Buffer.alloc(0), data: octets(Buffer.alloc(16)) },
    { ...message(""), salt: Buffer.alloc(8), data: text("") },
  ];
  for (const one of damaged) expect(opened(one, { protocol: priv, key })).toBeUndefined();
  expect(() =>
    opened({ ...message(""), salt: Buffer.alloc(8), data: text("123") }, { protocol: priv, key }),
  ).not.toThrow();
});
