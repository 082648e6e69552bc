import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { realEnv } from "../../agent/env.ts";
import { answered, type Reading } from "../../drivers/driver.ts";
import { address } from "../../drivers/snmp/address.ts";
import { plan } from "../../drivers/snmp/plan.ts";
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

/** sysORTable, which every snmpd has; nsExtendConfigTable, which is empty in this one; a table that nobody has. */
const sysOrId = "1.3.6.1.2.1.1.9.1.2";
const extendCommand = "1.3.6.1.4.1.8072.1.3.2.2.1.2";
const tables = Object.entries({
  up: { column: "1.3.6.1.2.1.1.9.1.4", where: { [sysOrId]: "1.3.6.1.6.3.1" } },
  date: { oid: "1.3.6.1.2.1.25.1.2.0", as: "DateAndTime" },
  modules: { column: sysOrId, rows: "count" },
  snmpMIB: { rows: "count", where: { [sysOrId]: "1.3.6.1.6.3.1" } },
  none: { column: "1.3.6.1.4.1.99999.1.1", rows: "count" },
  empty: { column: extendCommand, rows: "count" },
  proven: { column: extendCommand, rows: "count", beside: "1.3.6.1.4.1.8072.1.3.2.1.0" }, // nsExtendNumEntries
}).map(([id, written]) => ({ id, device: {}, address: address.parse(written) }));

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

  test.each([1, "2c", 3] as const)(
    "version %s: rows by what they hold, counts, and an empty table told from none",
    async (version) => {
      const reading = session(version === 3 ? { version, user: "open" } : { version });
      const request = plan(tables, bus.parse({ host: "127.0.0.1" }));
      expect(request).toHaveLength(3);
      const readings = new Map<string, Reading>();
      for (const one of request) for (const each of await reading.read(one, ampleMs)) readings.set(each.point, each);
      const wallS = env.clock.wall() / 1000;
      expect(readings.get("date")).toEqual({
        point: "date",
        value: expect.toSatisfy((s: number) => Math.abs(s - wallS) < 86_400),
      });
      expect(readings.get("up")).toEqual({ point: "up", value: expect.any(Number) });
      expect(readings.get("modules")).toEqual({
        point: "modules",
        value: expect.toSatisfy((count: number) => count >= 8),
      });
      expect(readings.get("snmpMIB")).toEqual({ point: "snmpMIB", value: 1 });
      expect(readings.get("none")).toMatchObject({ fault: "no_such_point" });
      // SNMPv1 has one word for no row and no column.
      expect(readings.get("empty")).toMatchObject(version === 1 ? { fault: "no_such_point" } : { value: 0 });
      expect(readings.get("proven")).toMatchObject({ value: 0 });
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
