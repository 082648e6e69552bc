import { Secret } from "../../../agent/secret.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { keyring } from "../../../drivers/snmp/keyring.ts";
import { type Binding, encode, type Pdu, pdus, versions } from "../../../drivers/snmp/message.ts";
import { trapOptions } from "../../../drivers/snmp/trap-schema.ts";
import { type AuthProtocol, type PrivProtocol, seal } from "../../../drivers/snmp/usm.ts";
import { flags, type MessageV3, scopedElement } from "../../../drivers/snmp/v3.ts";

/** What devices send unasked, for the tests: well-formed, unless it is changed on the way. */

export const onBattery = "1.3.6.1.2.1.33.2.1";
const minutesLeft: Binding = { oid: "1.3.6.1.2.1.33.1.2.3.0", value: ber.integer(30) };

export const pduOf = (
  oid: string,
  kind: "trap" | "inform" = "trap",
  bindings: readonly Binding[] = [minutesLeft],
): Pdu => ({
  ...{ pdu: pdus[kind], requestId: 77, errorStatus: 0, errorIndex: 0 },
  bindings: [
    { oid: "1.3.6.1.2.1.1.3.0", value: ber.integer(12_345, ber.tags.timeTicks) },
    { oid: "1.3.6.1.6.3.1.1.4.1.0", value: ber.oid(oid) },
    ...bindings,
  ],
});

export const trapV2c = (
  oid = onBattery,
  kind: "trap" | "inform" = "trap",
  community = "public",
  bindings?: readonly Binding[],
) => encode({ version: versions.v2c, community, ...pduOf(oid, kind, bindings) });

export interface V1 {
  readonly enterprise: string;
  readonly generic: number;
  readonly specific: number;
  readonly agentAddress: string;
  readonly community: string;
}

export function trapV1(change: Partial<V1> = {}): Buffer {
  const { enterprise, generic, specific, agentAddress, community } = {
    ...{ enterprise: "1.3.6.1.2.1.33.2", generic: 6, specific: 1, agentAddress: "0.0.0.0", community: "public" },
    ...change,
  };
  const pdu = ber.constructed(
    pdus.trapV1,
    ber.oid(enterprise),
    { tag: ber.tags.ipAddress, content: Buffer.from(agentAddress.split(".").map(Number)) },
    ber.integer(generic),
    ber.integer(specific),
    ber.integer(12_345, ber.tags.timeTicks),
    ber.constructed(ber.tags.sequence, ber.constructed(ber.tags.sequence, ber.oid(minutesLeft.oid), minutesLeft.value)),
  );
  return ber.encode(ber.constructed(ber.tags.sequence, ber.integer(versions.v1), ber.text(community), pdu));
}

export interface Credentials {
  readonly user: string;
  readonly auth?: { readonly protocol: AuthProtocol; readonly key: string };
  readonly priv?: { readonly protocol: PrivProtocol; readonly key: string };
}

export const ops: Credentials = {
  user: "ops",
  auth: { protocol: "sha256", key: "authpass12" },
  priv: { protocol: "aes128", key: "privpass12" },
};

const secretly = <P extends { readonly key: string }>(one: P | undefined) =>
  one && { ...one, key: new Secret(one.key) };

let salt = 0;
let msgId = 1000;
/** An engine that sends: the authoritative one of its traps. */
export function senderV3(of: Credentials, engineId = "80001f8804aabbccdd", boots = 3) {
  const id = Buffer.from(engineId, "hex");
  const keysOf = keyring({ auth: secretly(of.auth), priv: secretly(of.priv) });
  const message = (time: number, change: Partial<MessageV3>, pdu: Pdu, keys = keysOf(id)): Buffer => {
    const octets = Buffer.alloc(8);
    octets.writeUInt32BE(++salt, 4);
    const clear: MessageV3 = {
      ...{ msgId: ++msgId, flags: 0, engineId: id, boots, time, user: of.user },
      ...{ digest: Buffer.alloc(0), salt: Buffer.alloc(0) },
      data: scopedElement({ contextEngineId: id, contextName: "", pdu }),
      ...change,
    };
    return seal(clear, keys, octets);
  };
  return {
    keysOf,
    trap: (time: number, oid = onBattery, change: Partial<MessageV3> = {}) => message(time, change, pduOf(oid)),
    inform: (to: Pick<MessageV3, "engineId" | "boots" | "time">, oid = onBattery) =>
      message(
        to.time,
        { engineId: to.engineId, boots: to.boots, flags: flags.reportable },
        pduOf(oid, "inform"),
        keysOf(to.engineId),
      ),
    /** Of either kind, under any engine. */
    send: (under: Pick<MessageV3, "engineId" | "boots" | "time">, kind: "trap" | "inform") =>
      message(
        under.time,
        { engineId: under.engineId, boots: under.boots },
        pduOf(onBattery, kind),
        keysOf(under.engineId),
      ),
    /** As RFC 3414, 4, has it: who are you? */
    discovery: () =>
      message(
        0,
        { flags: flags.reportable, engineId: Buffer.alloc(0), boots: 0, user: "" },
        { ...pduOf(onBattery), pdu: pdus.get },
        {},
      ),
  };
}

export const options = (change: object = {}) =>
  trapOptions.parse({ port: 0, address: "127.0.0.1", communities: ["public"], users: [ops], ...change });
