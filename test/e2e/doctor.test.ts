import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addDoctor } from "../../agent/cli/doctor.ts";
import type { Finding } from "../../agent/cli/finding.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";
import { type ScriptedBroker, startBroker } from "../agent/sinks/mqtt/broker.ts";
import { type Called, call } from "../cli.ts";
import { meter, refusing, startUnits, type Unit, type Units } from "../drivers/modbus/units.ts";
import { freePort } from "../interop/mosquitto.ts";
import { mepwatch, type Running, until } from "../process.ts";

/** A site that is brought up, broken in each way, over real sockets. */

const profile = {
  ...{ profile: "meter", describe: "A test meter.", protocol: "modbus", class: "meter", interval: "200ms" },
  points: {
    load: { address: { table: "holding", register: 0 }, unit: "%", range: [0, 100] },
    energy: { address: { table: "holding", register: 1, type: "u32" }, unit: "kW.h" },
  },
  identity: { vendor: { object: 0 } },
};
const sparseProfile = {
  ...{ profile: "sparse", describe: "Registers far from each other.", protocol: "modbus", class: "meter" },
  points: {
    a: { address: { table: "holding", register: 11 } },
    b: { address: { table: "holding", register: 21 } },
  },
};
const upsProfile = {
  ...{ profile: "plain", describe: "One OID.", protocol: "snmp", class: "ups" },
  points: { load: { address: { oid: "1.3.6.1.4.1.99999.1.1" } } },
};

/** Registers 10 and 20 of one function, and no others. */
const sparse =
  (code: number): Unit =>
  (pdu) => {
    if (pdu[0] !== code) return refusing(1)(pdu);
    const isThere = [10, 20].includes(pdu.readUInt16BE(1)) && pdu.readUInt16BE(3) === 1;
    return isThere ? [code, 2, 0, 7] : refusing(2)(pdu);
  };
const units: Record<number, Unit> = {
  3: meter({ 0: "Maker", 1: "M1" }, [42, 0, 7]),
  11: refusing(11),
  20: sparse(3),
  21: (pdu) => {
    const as4 = Buffer.from(pdu);
    if (pdu[0] !== 4) return refusing(1)(pdu);
    as4.writeUInt16BE(pdu.readUInt16BE(1) - 1, 1);
    return sparse(4)(as4);
  },
  30: meter({}, [142, 0, 7]),
  31: refusing(4),
};

let root: string;
let line: Units;
let lonely: Units;
let ups: RunningSimulator;
let broker: ScriptedBroker;
const running: Running[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "mepwatch-doctor-"));
  line = await startUnits((unit) => units[unit]);
  lonely = await startUnits((unit) => (unit === 3 ? units[3] : undefined));
  const points = [{ id: "ups/load", device: {}, address: { oid: "1.3.6.1.4.1.99999.1.1" } }];
  ups = await startSnmpSimulator({ host: "127.0.0.1", port: 0, points, value: () => 12 });
  broker = await startBroker();
});
afterAll(async () => {
  for (const one of running.reverse()) await one.kill("SIGKILL");
  await Promise.all([line.close(), lonely.close(), ups.close(), broker.close()]);
  rmSync(root, { recursive: true });
});

const modbus = (more: object = {}) => ({
  ...{ protocol: "modbus", host: "127.0.0.1", port: line.port, timeout: "5s" },
  ...more,
});
const device = (more: object = {}) => ({
  ...{ id: "m", profile: "meter", bus: "line", address: { unit: 3 }, identity: { vendor: "Maker" } },
  ...more,
});
const snmp = (more: object = {}) => ({ protocol: "snmp", host: "127.0.0.1", port: ups.port, timeout: "5s", ...more });

let folders = 0;
/** A folder with a site of these devices. */
function hall(devices: readonly object[], buses: object = { line: modbus() }, settings = ""): string {
  const folder = join(root, String(++folders));
  mkdirSync(join(folder, "profiles"), { recursive: true });
  for (const one of [profile, sparseProfile, upsProfile])
    writeFileSync(join(folder, `profiles/${one.profile}.yaml`), JSON.stringify(one));
  writeFileSync(join(folder, "settings.yaml"), settings);
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, buses, devices }));
  return folder;
}

const environmentOf = (folder: string) => ({
  MEPWATCH_MQTT_URL: broker.url,
  MEPWATCH_STORE: join(folder, "store.db"),
  MEPWATCH_SOCKET: join(folder, "api.sock"),
  MEPWATCH_AGENT: "edge",
});

interface Examined extends Called {
  readonly findings: readonly Finding[];
  /** Without the clock, which the machine decides. */
  readonly wrong: readonly string[];
  of(name: string): Finding | undefined;
}

async function doctor(folder: string, args: readonly string[] = [], environment = {}): Promise<Examined> {
  const all = ["doctor", ...args, "--config", join(folder, "site.yaml"), "--json"];
  const called = await call(addDoctor, all, { ...environmentOf(folder), ...environment });
  const { findings } = JSON.parse(called.stdout.join() || '{"findings":[]}') as { findings: Finding[] };
  const wrong = findings.filter(({ of, state }) => of !== "clock" && state === "wrong").map(({ of }) => of);
  expect(called.code, called.stderr.join("\n")).toBe(findings.every(({ state }) => state !== "wrong") ? 0 : 1);
  return { ...called, findings, wrong, of: (name) => findings.find(({ of }) => of === name) };
}

describe("a site that is well", { concurrent: true }, () => {
  test("is told in order, and nothing is wrong", async () => {
    const own = device({ id: "own", bus: modbus({ port: lonely.port }) });
    const { wrong, findings, of } = await doctor(hall([device(), own, { id: "u", profile: "plain", bus: snmp() }]));
    expect(wrong).toEqual([]);
    expect(findings.map((one) => one.of)).toEqual([
      ...["settings", "site file", "clock", "store", "broker", "agent"],
      ...["bus line", "device m", "device own", "device u"],
    ]);
    expect(of("bus line")?.what).toBe("1 of 1 devices answer");
    expect(of("device m")).toMatchObject({ state: "ok", what: "2 of 2 points with a plausible value, vendor Maker" });
    expect(of("device u")).toMatchObject({ state: "ok", what: "1 of 1 points with a plausible value" });
    expect(of("agent")?.what).toMatch(/none runs/);
  });

  test("as text: a line each, and in the end whether all is well", async () => {
    const folder = hall([device({ points: { far: { address: { table: "holding", register: 40 } } } })]);
    const args = ["doctor", "m", "--config", join(folder, "site.yaml")];
    const { code, stdout, stderr } = await call(addDoctor, args, environmentOf(folder));
    expect(code).toBe(1);
    expect(stdout.map((one) => one.replace(root, ""))).toEqual([
      "ok     settings: good",
      `ok     site file: /${folder.split("/").at(-1)}/site.yaml: 1 devices on 1 buses`,
      "note   agent: none runs here: devices are asked directly",
      "ok     bus line: 1 of 1 devices answer",
      "WRONG  device m: 2 of 3 points with a plausible value, vendor Maker",
      "         m/far  no_such_point: exception 2 (illegal data address) for holding 40 (40041)",
      "       → Check the addresses of these points against the manual of this model and firmware.",
    ]);
    expect(stderr).toEqual(["1 of 5 things looked at are wrong."]);
  });
});

type Broken = readonly [
  name: string,
  site: () => Parameters<typeof hall>,
  wrong: readonly string[],
  what: RegExp,
  remedy: RegExp,
  details?: RegExp,
];
/** The last one that is wrong is looked at. */
const broken: readonly Broken[] = [
  [
    "wrong host",
    () => [[device({ bus: modbus({ host: "127.0.0.9" }) })]],
    ["device m"],
    /^unreachable: .*ECONNREFUSED/,
    /Check host and port/,
  ],
  [
    "wrong unit: another one answers there",
    () => [[device({ address: { unit: 9 }, bus: modbus({ port: lonely.port, timeout: "2s" }) })]],
    ["device m"],
    /^timeout: .*; unit: 3 \(M1\) answers there, which no device of the site file is/,
    /Correct the address; mepwatch discover m/,
  ],
  [
    "wrong register",
    () => [[device({ points: { energy: { address: { table: "holding", register: 41_000 }, unit: "kW.h" } } })]],
    ["device m"],
    /^1 of 2 points/,
    /against the manual/,
    /m\/energy {2}no_such_point: exception 2 .* for holding 41000 \(441001\); if 41000 .* it is holding 999 \(41000\)/,
  ],
  [
    "all registers one too high",
    () => [[{ id: "m", profile: "sparse", bus: "line", address: { unit: 20 } }]],
    ["device m"],
    /^0 of 2 points .*; all of them are there if the registers lie one lower/,
    /Correct the addresses/,
  ],
  [
    "all in the other table",
    () => [[{ id: "m", profile: "sparse", bus: "line", address: { unit: 21 } }]],
    ["device m"],
    /^0 of 2 points .*; all of them are there if they are in table input, not holding/,
    /Correct the addresses/,
  ],
  [
    "a value that cannot be true",
    () => [[device({ address: { unit: 30 }, identity: {} })]],
    ["device m"],
    /^1 of 2 points/,
    /type, order and scale/,
    /m\/load {2}implausible: the device says 142/,
  ],
  [
    "a device that fails",
    () => [[device({ address: { unit: 31 }, identity: {} })]],
    ["device m"],
    /^0 of 2 points/,
    /./,
    /device_error: exception 4/,
  ],
  [
    "a dead unit on a line: the others are well",
    () => [[device(), device({ id: "dead", address: { unit: 9 } })], { line: modbus({ timeout: "2s" }) }],
    ["device dead"],
    /^timeout: /,
    /mepwatch discover/,
  ],
  [
    "a unit that its gateway does not get",
    () => [[device(), device({ id: "dead", address: { unit: 11 } })], { line: modbus({ timeout: "2s" }) }],
    ["device dead"],
    /^timeout: exception 11/,
    /mepwatch discover/,
  ],
  [
    "another device in its place",
    () => [[device({ identity: { vendor: "Other" } })]],
    ["device m"],
    /^another device: vendor Maker \(expected Other\)/,
    /mepwatch accept m/,
  ],
  [
    "settings with errors",
    () => [[device()], undefined, "mqtt: { ulr: x }"],
    ["settings"],
    /^1 problem$/,
    /validate/,
    /unknown setting "mqtt.ulr"/,
  ],
  [
    "a site file with errors: nothing can be asked",
    () => [[device({ profil: "meter" })]],
    ["site file"],
    /^1 problem$/,
    /validate/,
    /unknown option "profil". Did you mean "profile"/,
  ],
];

describe("what is wrong is told, with the remedy", { concurrent: true, timeout: 120_000 }, () => {
  test.for(broken)("%s", async ([, site, expected, what, remedy, details]) => {
    const { wrong, of } = await doctor(hall(...site()));
    expect(wrong).toEqual(expected);
    const found = of(expected.at(-1) ?? "");
    expect(found?.what).toMatch(what);
    expect(found?.remedy).toMatch(remedy);
    if (details !== undefined) expect(found?.details.join("\n")).toMatch(details);
  });

  test("a line that cannot be had is one cause: its bus", async () => {
    const closed = { line: modbus({ port: await freePort() }) };
    const { wrong, of } = await doctor(hall([device(), device({ id: "n", address: { unit: 4 } })], closed));
    expect(wrong).toEqual(["bus line", "device m", "device n"]);
    expect(of("bus line")?.what).toMatch(/ECONNREFUSED/);
    expect(of("device n")).toMatchObject({ what: "not reached: the bus line cannot be had", remedy: "See the bus." });
  });

  test("a wrong community: what may be, and never what it is", async () => {
    const bus = snmp({ community: "${env:COMMUNITY}", timeout: "100ms" });
    const { of, stdout, stderr } = await doctor(hall([{ id: "u", profile: "plain", bus }]), [], {
      COMMUNITY: "hunter2",
    });
    expect(of("device u")).toMatchObject({ state: "wrong", what: expect.stringMatching(/^timeout/) });
    expect(of("device u")?.remedy).toMatch(/community/);
    expect([...stdout, ...stderr].join("\n")).not.toContain("hunter2");
  });

  test.for([
    ["no folder for the store", { MEPWATCH_STORE: "/there/is/none/store.db" }, "store", /no such folder/],
    ["a store that is none", { MEPWATCH_STORE: "/dev/null/store.db" }, "store", /cannot be written/],
    ["a broker that is down", { MEPWATCH_MQTT_URL: "mqtt://127.0.0.1:1" }, "broker", /ECONNREFUSED/],
  ] as const)("%s", async ([, environment, name, what]) => {
    const { wrong, of } = await doctor(hall([device()]), [], environment);
    expect(wrong).toEqual([name]);
    expect(of(name)?.what).toMatch(what);
    expect(of(name)?.remedy).toMatch(/./);
  });

  test("a broker that refuses the password, which is not told", async () => {
    const strict = await startBroker();
    strict.onConnect = () => ({ reasonCode: 0x86 });
    const { wrong, of, stdout } = await doctor(hall([device()]), [], {
      MEPWATCH_MQTT_URL: strict.url,
      MEPWATCH_MQTT_USERNAME: "edge",
      MEPWATCH_MQTT_PASSWORD: "hunter2",
    });
    await strict.close();
    expect(wrong).toEqual(["broker"]);
    expect(of("broker")?.what).toMatch(/refuses it/);
    expect(stdout.join()).not.toContain("hunter2");
  });

  test("devices that there are none of are a usage error", async () => {
    const folder = hall([device()]);
    const args = ["doctor", "mm", "--config", join(folder, "site.yaml")];
    const { code, stderr } = await call(addDoctor, args, environmentOf(folder));
    expect(code).toBe(2);
    expect(stderr.join("\n")).toMatch(/no device "mm"; expected one of m. Did you mean "m"\?/);
  });
});

test("at the broker it is a visitor: another client id, no session, no Will, a good-bye", async () => {
  const watched = await startBroker();
  await doctor(hall([device()]), [], { MEPWATCH_MQTT_URL: watched.url });
  expect(watched.connects).toMatchObject([{ clientId: "mepwatch-s-edge-doctor", clean: true }]);
  expect(watched.connects[0]?.will).toBeUndefined();
  expect(watched.publishes).toEqual([]);
  expect(watched.others.map(({ cmd }) => cmd)).toEqual(["disconnect"]);
  await watched.close();
});

test("Ctrl-C ends it with what was seen so far", async () => {
  const folder = hall([device({ bus: modbus({ timeout: "60s" }), address: { unit: 99 } })], {});
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const asked = call(
    addDoctor,
    ["doctor", "m", "--config", join(folder, "site.yaml"), "--direct"],
    environmentOf(folder),
    stopped,
  );
  await until(() => (line.asked.some(([unit]) => unit === 99) ? true : null));
  stop();
  const { code, stdout, stderr } = await asked;
  expect(code).toBe(1);
  expect(stdout.map((one) => one.slice(0, 12))).toEqual(["ok     setti", "ok     site ", "note   agent"]);
  expect(stderr.at(-1)).toMatch(/^Stopped/);
});

test("beside a running agent it asks through that; --direct by itself; afterwards it knows whom the agent knew", async () => {
  let vendor = "Maker";
  let connections = 0;
  const own = await startUnits(
    (unit) => (unit === 3 ? (pdu) => meter({ 0: vendor }, [42, 0, 7])(pdu) : undefined),
    () => void connections++,
  );
  const folder = hall([device({ identity: {} })], { line: modbus({ port: own.port }) });
  const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], environmentOf(folder));
  running.push(agent);
  await agent.line(/device.pinned/);
  const through = await until(async () => {
    const one = await doctor(folder);
    return one.of("agent")?.what.includes("through it") ? one : null;
  });
  expect(through.of("device m")).toMatchObject({
    state: "ok",
    what: "2 of 2 points with a plausible value, vendor Maker",
  });
  const before = connections;
  await doctor(folder, ["m"]);
  expect(connections).toBe(before);
  expect((await doctor(folder, ["m", "--direct"])).of("device m")?.state).toBe("ok");
  expect(connections).toBe(before + 1);
  await agent.kill("SIGTERM");
  vendor = "Other";
  const { of } = await doctor(folder, ["m"]);
  expect(of("device m")?.what).toMatch(/^another device: vendor Other \(expected Maker\)/);
  await own.close();
});
