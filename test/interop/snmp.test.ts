import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { realEnv } from "../../agent/env.ts";
import { answered, type Reading } from "../../drivers/driver.ts";
import { bus } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import { authProtocols, privProtocols } from "../../drivers/snmp/usm.ts";
import { type Running, run } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** Debian's snmpd, in each version of SNMP and with each pair of protocols of SNMPv3 that both have. */
const present = requireProgram("/usr/sbin/snmpd");

const env = realEnv({ logLevel: "silent" });
const ampleMs = 5000;
const keys = { auth: "authpass12", priv: "privpass12" };
/** Names in createUser, by ours. */
const authNames = {
  md5: "MD5",
  sha1: "SHA",
  sha224: "SHA-224",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};
const privNames = {
  ...{ des: "DES", aes128: "AES", aes192: "AES-192", aes256: "AES-256" },
  ...{ "aes192-c": "AES-192-C", "aes256-c": "AES-256-C" },
};
type Auth = keyof typeof authProtocols;
type Priv = keyof typeof privProtocols;
const auths = Object.keys(authProtocols) as Auth[];
const pairs = auths.flatMap((auth) => (Object.keys(privProtocols) as Priv[]).map((priv) => ({ auth, priv })));
const named = (auth: Auth, priv?: Priv): string => `${auth}${priv ?? ""}`;

let folder: string;
let port: number;
let snmpd: Running | undefined;

async function start(): Promise<void> {
  // Not -C: without its persistent file an snmpd is a new engine each time it starts.
  const kept = join(folder, "kept");
  const places = { SNMPCONFPATH: `${folder}:${kept}`, SNMP_PERSISTENT_DIR: kept, MIBS: "" };
  snmpd = run("/usr/sbin/snmpd", ["-f", "-Lo", "-p", join(folder, "snmpd.pid")], places);
  await snmpd.line(/NET-SNMP version/);
}

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-snmp-"));
  port = await freePort();
  const users = [
    ...auths.map((auth) => `createUser ${named(auth)} ${authNames[auth]} ${keys.auth}\nrouser ${named(auth)} auth`),
    ...pairs.map(({ auth, priv }) => {
      const user = named(auth, priv);
      return `createUser ${user} ${authNames[auth]} ${keys.auth} ${privNames[priv]} ${keys.priv}\nrouser ${user} priv`;
    }),
  ];
  const lines = [
    `agentaddress udp:127.0.0.1:${port}`,
    "rocommunity public 127.0.0.1",
    "createUser open",
    "rouser open noauth",
  ];
  writeFileSync(join(folder, "snmpd.conf"), [...lines, ...users, ""].join("\n"));
  await start();
});

afterAll(async () => {
  await snmpd?.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true });
});

const upTime = { points: [{ id: "up", device: {}, address: { oid: "1.3.6.1.2.1.1.3.0" } }] };
const absent = { id: "absent", device: {}, address: { oid: "1.3.6.1.4.1.99999.1.0" } };

function session(options: object): SnmpSession {
  const opened = new SnmpSession(bus.parse({ host: "127.0.0.1", port, ...options }), env);
  onTestFinished(() => opened.close());
  return opened;
}
const v3 = (user: string, auth?: Auth, priv?: Priv): SnmpSession =>
  session({
    ...{ version: 3, user },
    ...(auth ? { auth: { protocol: auth, key: keys.auth } } : {}),
    ...(priv ? { priv: { protocol: priv, key: keys.priv } } : {}),
  });
const expectUpTime = (readings: readonly Reading[]): void =>
  expect(readings).toEqual([{ point: "up", value: expect.any(Number) }]);

describe.skipIf(!present)("snmpd", () => {
  test.each([1, "2c", 3] as const)(
    "version %s: one OID that is not there does not blind the others",
    async (version) => {
      const reading = session(version === 3 ? { version, user: "open" } : { version });
      const [missing, ...others] = await reading.read({ points: [absent, ...upTime.points] }, ampleMs);
      expect(missing).toMatchObject({ fault: "no_such_point" });
      expectUpTime(others);
    },
  );

  test.each(auths)("%s without privacy", async (auth) => {
    expectUpTime(await v3(named(auth), auth).read(upTime, ampleMs));
  });

  test.each(pairs)("$auth with $priv", async ({ auth, priv }) => {
    expectUpTime(await v3(named(auth, priv), auth, priv).read(upTime, ampleMs));
  });

  test.each([
    ["a user it does not know", () => v3("nobody", "sha1"), /usmStatsUnknownUserNames/],
    ["another auth protocol than the user's", () => v3(named("sha1"), "md5"), /usmStatsWrongDigests/],
    ["privacy that the user does not have", () => v3(named("sha1"), "sha1", "aes128"), /usmStats\w+/],
  ])("%s is told, and not a device that is silent", async (_, open, detail) => {
    const [reading] = await open().read(upTime, ampleMs);
    expect(reading).toMatchObject({ fault: "device_error", detail: expect.stringMatching(detail) });
    expect(answered([reading!])).toBe(true);
  });

  test("another priv key than the user's is silence, in which it is named", async () => {
    const priv = { protocol: "aes128", key: "other-key-12" };
    const auth = { protocol: "sha1", key: keys.auth };
    const [reading] = await session({ version: 3, user: named("sha1", "aes128"), auth, priv }).read(upTime, 500);
    expect(reading).toMatchObject({ detail: expect.stringMatching(/the priv key/) });
  });

  test.each<[string, NodeJS.Signals, kept: boolean]>([
    ["stopped and started, its engine boots once more", "SIGTERM", true],
    ["killed and started", "SIGKILL", true],
    ["installed anew, its engine is another", "SIGKILL", false],
  ])("%s: the next read after it is right", async (_, signal, kept) => {
    const readings = [v3(named("sha256", "aes128"), "sha256", "aes128"), v3(named("md5"), "md5"), v3("open")];
    for (const reading of readings) expectUpTime(await reading.read(upTime, ampleMs));
    await snmpd?.kill(signal);
    if (!kept) rmSync(join(folder, "kept"), { recursive: true });
    await start();
    for (const reading of readings) expectUpTime(await reading.read(upTime, ampleMs));
  });
});
