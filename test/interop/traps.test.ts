import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "mqtt";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { TrapsSnapshot } from "../../agent/api/traps.ts";
import type { Hint, Listener } from "../../drivers/driver.ts";
import { enginesOf } from "../../drivers/snmp/engines.ts";
import { listen } from "../../drivers/snmp/listener.ts";
import type { Bus } from "../../drivers/snmp/schema.ts";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";
import { trapOptions } from "../../drivers/snmp/trap-schema.ts";
import { authProtocols, privProtocols } from "../../drivers/snmp/usm.ts";
import { fakeEnv } from "../env.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { requireProgram } from "./programs.ts";

/** Debian's snmptrap and snmpinform, in each version and with each pair of protocols of SNMPv3 that both have. */
const present = requireProgram("/usr/bin/snmptrap") && requireProgram("/usr/bin/snmpinform");

const keys = { auth: "authpass12", priv: "privpass12" };
/** Names by ours. */
const authNames = {
  ...{ md5: "MD5", sha1: "SHA", sha224: "SHA-224", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" },
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

const engineId = "80001f88040102030405";
const onBattery = "1.3.6.1.2.1.33.2.1";
const bindings = ["1.3.6.1.2.1.33.1.2.3.0", "i", "30", "1.3.6.1.2.1.33.1.2.2.0", "s", "on battery"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-trapped-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Its exit code: of an inform 0 says that it was acknowledged. */
const send = (program: "snmptrap" | "snmpinform", args: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const env = { ...process.env, SNMPCONFPATH: folder, SNMP_PERSISTENT_DIR: folder, MIBS: "" };
    execFile(`/usr/bin/${program}`, [...args], { env }, (error) => resolve(Number(error?.code ?? 0)));
  });

const v3 = (user: string, auth?: Auth, priv?: Priv): string[] => [
  ...["-v3", "-u", user, "-l", priv ? "authPriv" : auth ? "authNoPriv" : "noAuthNoPriv"],
  ...(auth ? ["-a", authNames[auth], "-A", keys.auth] : []),
  ...(priv ? ["-x", privNames[priv], "-X", keys.priv] : []),
];

async function heard(): Promise<{ at: string; hints: Hint<Bus>[]; listener: Listener }> {
  // Under a clock that stands: nothing here takes any time that counts, whatever the machine does.
  const env = fakeEnv();
  const users = [
    { user: "open" },
    ...auths.map((auth) => ({ user: named(auth), auth: { protocol: auth, key: keys.auth } })),
    ...pairs.map(({ auth, priv }) => ({
      user: named(auth, priv),
      auth: { protocol: auth, key: keys.auth },
      priv: { protocol: priv, key: keys.priv },
    })),
  ];
  const options = trapOptions.parse({ address: "127.0.0.1", port: 0, communities: ["public"], users });
  const hints: Hint<Bus>[] = [];
  const hooks = {
    passed: null,
    kept: null,
    keep: () => {},
    onHint: (hint: Hint<Bus>) => void hints.push(hint),
    onDropped: () => {},
  };
  const listener = listen(options, env, enginesOf(env), hooks);
  onTestFinished(() => listener.close());
  const at = await until(() => /^127\.0\.0\.1:[1-9]\d*$/.exec(listener.status().at)?.[0] ?? null);
  return { at, hints, listener };
}

describe.skipIf(!present)("Debian's senders", () => {
  test("SNMPv1 and SNMPv2c, traps and an inform, with what they say", async () => {
    const { at, hints } = await heard();
    const common = ["-c", "public", at];
    await send("snmptrap", ["-v1", ...common, "1.3.6.1.2.1.33.2", "127.0.0.1", "6", "1", "", ...bindings]);
    await send("snmptrap", ["-v2c", ...common, "", onBattery, ...bindings]);
    expect(await send("snmpinform", ["-v2c", ...common, "", onBattery, ...bindings])).toBe(0);
    await send("snmptrap", ["-v1", ...common, "", "127.0.0.1", "3", "0", ""]);
    await until(() => (hints.length === 4 ? true : null));
    expect(hints.map(({ by, trap }) => [by, trap])).toEqual([
      ["trap, SNMPv1", "1.3.6.1.2.1.33.2.0.1"],
      ["trap, SNMPv2c", onBattery],
      ["inform, SNMPv2c", onBattery],
      ["trap, SNMPv1", "1.3.6.1.6.3.1.1.5.4"],
    ]);
    for (const hint of hints.slice(0, 3)) {
      expect(hint.isOf({ oid: onBattery })).toBe(true);
      expect(hint.bindings.map(({ text }) => text)).toEqual(["30", "on battery"]);
    }
  });

  const levels: [string, string[]][] = [
    ["open", v3("open")],
    ...auths.map((auth): [string, string[]] => [named(auth), v3(named(auth), auth)]),
    ...pairs.map(({ auth, priv }): [string, string[]] => [named(auth, priv), v3(named(auth, priv), auth, priv)]),
  ];
  // Ten at a time: more would be over the budget of one source.
  const batches = Array.from({ length: Math.ceil(levels.length / 10) }, (_, i) => levels.slice(10 * i, 10 * i + 10));

  test.each(batches.map((batch) => [batch.map(([name]) => name).join(" "), batch] as const))(
    "SNMPv3, trap and inform: %s",
    async (_, batch) => {
      const { at, hints, listener } = await heard();
      for (const [user, how] of batch) {
        await send("snmptrap", [...how, "-e", `0x${engineId}`, at, "", onBattery, ...bindings]);
        expect(await send("snmpinform", [...how, at, "", onBattery, ...bindings]), `inform of ${user}`).toBe(0);
      }
      await until(() => (hints.length === 2 * batch.length ? true : null));
      const users = batch.map(([user]) => user);
      expect(hints.map(({ by }) => by.split(" ").at(-1)).sort()).toEqual([...users, ...users].sort());
      expect(listener.status()).toMatchObject({ refused: [], dropped: 0 });
    },
  );

  test("a wrong key, a lower level, an unknown user: neither heard nor acknowledged, and counted", async () => {
    const { at, hints, listener } = await heard();
    const inform = (how: readonly string[]) =>
      send("snmpinform", [...how, "-r", "0", "-t", "1", at, "", onBattery, ...bindings]);
    expect(await inform(v3("nobody", "sha1"))).not.toBe(0);
    expect(await inform(v3(named("sha256", "aes128"), "sha256"))).not.toBe(0);
    expect(await inform(v3(named("sha1"), "md5"))).not.toBe(0);
    expect(await inform(["-v2c", "-c", "private"])).not.toBe(0);
    expect(hints).toEqual([]);
    expect(listener.status().refused.map(({ why }) => why).length).toBe(4);
  });
});

const profile = `
profile: box
describe: One object.
protocol: snmp
class: ups
interval: 1h
points:
  source: { address: { oid: ${"1.3.6.1.2.1.33.1.4.1.0"} } }
rules:
  on-battery: { type: state, point: source, normal: [3], map: { "5": high } }
traps:
  on-battery: { oid: ${onBattery}, points: [source] }
`;

/** Of the running test; ended with it. */
function started(process: Running): Running {
  onTestFinished(() => process.kill("SIGKILL"));
  return process;
}

function writeSite(devicePort: number, trapsPort: number): string {
  const site = mkdtempSync(join(folder, "site-"));
  mkdirSync(join(site, "profiles"));
  writeFileSync(join(site, "profiles/box.yaml"), profile);
  const bus = { protocol: "snmp", host: "127.0.0.1", port: devicePort, timeout: "5s" };
  const traps = { address: "127.0.0.1", port: trapsPort, communities: ["public"] };
  const devices = [{ id: "ups", name: "UPS", profile: "box", bus }];
  writeFileSync(join(site, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, traps, devices }));
  return site;
}

const placesIn = (site: string) => ({
  ...{ MEPWATCH_STORE: join(site, "store.db"), MEPWATCH_SOCKET: join(site, "api.sock"), MEPWATCH_AGENT: "a" },
});

async function trapsShown(socket: string): Promise<TrapsSnapshot | null> {
  const asked = mepwatch(["traps", "--json", "--socket", socket]);
  return (await asked.ended) === 0 ? JSON.parse(asked.stdout.join("")) : null;
}

const program = fileURLToPath(new URL("../../dist/agent/main.js", import.meta.url));
const isSocketPasser = requireProgram("/usr/bin/systemd-socket-activate");

describe.skipIf(!present)("mepwatch run", () => {
  test("snmptrap → confirm-poll → incident at the broker, an hour before the next beat; mepwatch traps shows it", async () => {
    let source = 3;
    const address = { oid: "1.3.6.1.2.1.33.1.4.1.0" };
    const points = [{ id: "ups/source", device: {}, address }];
    const simulator = await startSnmpSimulator({ host: "127.0.0.1", port: 0, points, value: () => source });
    onTestFinished(() => simulator.close());
    const site = writeSite(simulator.port, 0);
    const broker = started(mepwatch(["broker", "--port", "0"]));
    const url = `mqtt://127.0.0.1:${JSON.parse(await broker.line(/port/)).port}`;
    const client = connect(url, { protocolVersion: 4 });
    onTestFinished(() => client.endAsync(true));
    const types: string[] = [];
    client.on("message", (topic, payload) => {
      if (topic.endsWith("/event")) types.push(JSON.parse(payload.toString()).type);
    });
    await client.subscribeAsync("mepwatch/v1/s/#", { qos: 1 });
    const socket = join(site, "api.sock");
    started(mepwatch(["run", "--config", join(site, "site.yaml")], { ...placesIn(site), MEPWATCH_MQTT_URL: url }));
    const shown = () => trapsShown(socket);
    const { at } = await until(async () => {
      const [listener] = (await shown())?.listeners ?? [];
      return listener !== undefined && !listener.at.endsWith(":0") ? listener : null;
    });
    const trap = (oid: string) => send("snmptrap", ["-v2c", "-c", "public", at, "", oid, ...bindings]);
    source = 5;
    await trap(onBattery);
    await until(() => types[0] ?? null);
    expect(types).toEqual(["mepwatch.incident.raised"]);
    await trap("1.3.6.1.4.1.99999.0.5");
    const heard = await until(async () => {
      const now = await shown();
      return now?.taken === 2 ? now : null;
    });
    expect(heard).toMatchObject({
      listeners: [{ section: "traps", trouble: null, received: 2, refused: 0, dropped: 0 }],
      traps: [
        { trap: "1.3.6.1.4.1.99999.0.5", name: null, devices: ["ups"], source: "127.0.0.1", count: 1 },
        { trap: onBattery, name: "on-battery", devices: ["ups"], count: 1 },
      ],
    });
    const said = mepwatch(["traps", "--socket", socket]);
    expect(await said.ended).toBe(0);
    expect(said.stdout.join("\n")).toMatch(
      /2 received: .*\n2 taken\n[\s\S]*1\.3\.6\.1\.4\.1\.99999\.0\.5 \(unknown\)[\s\S]*on-battery/,
    );
    const status = mepwatch(["status", "--socket", socket]);
    await status.ended;
    expect(status.stdout.join("\n")).toMatch(/traps at 127\.0\.0\.1:\d+: 2 received, .*\n2 traps taken/);
  }, 120_000);

  test.skipIf(!isSocketPasser)(
    "a socket that systemd has opened is heard instead, with what came before the start",
    async () => {
      const port = await freeUdpPort();
      const site = writeSite(await freeUdpPort(), await freeUdpPort());
      const places = Object.entries({ ...placesIn(site), MEPWATCH_MQTT_URL: "mqtt://127.0.0.1:9" });
      const passed = places.flatMap(([name, value]) => ["-E", `${name}=${value}`]);
      const command = [process.execPath, program, "run", "--config", join(site, "site.yaml")];
      const activated = started(
        run("/usr/bin/systemd-socket-activate", ["-d", "-l", `127.0.0.1:${port}`, ...passed, ...command]),
      );
      await activated.line(/Listening on/);
      await send("snmptrap", ["-v2c", "-c", "public", `127.0.0.1:${port}`, "", onBattery]);
      const heard = await until(async () => {
        const now = await trapsShown(join(site, "api.sock"));
        return now !== null && now.taken > 0 ? now : null;
      });
      expect(heard).toMatchObject({
        listeners: [{ at: `127.0.0.1:${port}`, trouble: null }],
        traps: [{ trap: onBattery }],
      });
    },
    120_000,
  );
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
