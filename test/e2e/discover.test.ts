import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addDiscover } from "../../agent/cli/discover.ts";
import { call } from "../cli.ts";
import { meter, startUnits, type Unit, type Units } from "../drivers/modbus/units.ts";
import { freePort } from "../interop/mosquitto.ts";
import { mepwatch, type Running, until } from "../process.ts";

/** Who is on a bus, as somebody who brings up a site asks it. */

const profile = {
  ...{ profile: "meter", describe: "One register.", protocol: "modbus", class: "meter", interval: "200ms" },
  points: { load: { address: { table: "holding", register: 0 } } },
};

const units: Readonly<Record<number, Unit>> = {
  3: meter({ 0: "Maker", 1: "M1", 2: "1.4" }, [7]),
  9: meter({}, [7]),
};

let folder: string;
let line: Units;
let alike: Units;
const running: Running[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-discover-"));
  line = await startUnits((unit) => units[unit]);
  alike = await startUnits(() => meter({ 0: "Maker" }, [7]));
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/meter.yaml"), JSON.stringify(profile));
  const modbus = { protocol: "modbus", host: "127.0.0.1", timeout: "2s" };
  const buses = {
    line: { ...modbus, port: line.port },
    alike: { ...modbus, port: alike.port },
    gone: { ...modbus, port: await freePort() },
    unplugged: { protocol: "modbus", transport: "rtu", path: "/dev/there-is-none" },
  };
  const devices = [
    { id: "m-3", profile: "meter", bus: "line", address: { unit: 3 } },
    { id: "ups", profile: "ups/rfc1628", bus: { protocol: "snmp", host: "127.0.0.1", port: await freePort() } },
  ];
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, buses, devices }));
});
afterAll(async () => {
  for (const one of running.reverse()) await one.kill("SIGKILL");
  await line.close();
  await alike.close();
  rmSync(folder, { recursive: true });
});

const argsOf = (args: readonly string[]): string[] => ["discover", ...args, "--config", join(folder, "site.yaml")];
const environment = () => ({ MEPWATCH_SOCKET: join(folder, "api.sock") });
const discover = (...args: readonly string[]) => call(addDiscover, argsOf(args), environment());

describe("mepwatch discover", { concurrent: true }, () => {
  test("shows who answers, by what it tells, and which of them the site file has; progress beside it", async () => {
    const asked = await discover("line", "--units", "2-4,9");
    expect(asked.code).toBe(0);
    expect(asked.stdout).toEqual([
      "ADDRESS  VENDOR  MODEL  REVISION  IN THE SITE FILE",
      "unit: 3  Maker   M1     1.4       m-3",
      "unit: 9  –       –      –         –",
    ]);
    expect(asked.stderr).toEqual(["unit 3 answers: M1", "unit 9 answers", "2 found, 4 of 4 tried."]);
  });

  test("as JSON for programs", async () => {
    const asked = await discover("line", "--units", "3", "--json");
    expect(asked.code).toBe(0);
    expect(JSON.parse(asked.stdout.join())).toEqual({
      ...{ bus: "line", tried: 1, of: 1 },
      found: [{ address: { unit: 3 }, vendor: "Maker", model: "M1", revision: "1.4", device: "m-3" }],
      silent: [],
    });
  });

  test("Ctrl-C ends it with what was found so far", async () => {
    const asked = mepwatch(argsOf(["line", "--units", "3,20-247", "--timeout", "60s"]), environment());
    running.push(asked);
    await asked.line(/unit 3 answers/);
    asked.child.kill("SIGINT");
    expect(await asked.ended).toBe(0);
    expect(asked.stdout).toHaveLength(2);
    expect(asked.stderr.at(-1)).toBe("1 found, 1 of 229 tried.");
  });

  test("a serial port that is not there is told", async () => {
    const asked = mepwatch(argsOf(["unplugged"]), environment());
    running.push(asked);
    expect(await asked.ended).toBe(69);
    expect(asked.stderr.join()).toMatch(/^unplugged cannot be had: serial port .dev.there-is-none: /);
  });

  test("one that answers for every unit is told to be one", async () => {
    const asked = await discover("alike", "--units", "1-8");
    expect(asked.code).toBe(0);
    expect(asked.stderr.at(-1)).toMatch(/probably one device/);
  });

  test.for<[string, string[], number, RegExp]>([
    ["a bus that cannot be had", ["gone"], 69, /^gone cannot be had: .*ECONNREFUSED.*Check/],
    ["no such bus", ["lien"], 2, /no bus "lien"; expected one of line, alike, gone, unplugged. Did you mean "line"\?/],
    ["a protocol that is not looked through", ["ups"], 2, /ups speaks snmp; .* speaks modbus/],
    ["units that are none", ["line", "--units", "1-300"], 2, /expected numbers from 0 to 255, such as 1-10,17/],
    ["units the wrong way about", ["line", "--units", "9-1"], 2, /expected numbers/],
    ["a timeout that is none", ["line", "--timeout", "soon"], 2, /expected a duration/],
  ])("%s", async ([, args, code, message]) => {
    const asked = await discover(...args);
    expect(asked.code).toBe(code);
    expect(asked.stdout).toEqual([]);
    expect(asked.stderr.join("\n")).toMatch(message);
  });
});

test("while the agent polls the bus, nobody looks, unless told to", async () => {
  const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${await freePort()}`,
  });
  running.push(agent);
  await agent.line(/agent.started/);
  const refused = await until(async () => {
    const asked = await discover("line", "--units", "3");
    return asked.code === 1 ? asked : null;
  });
  expect(refused.stderr.join("\n")).toMatch(/running agent polls line.*--direct/);
  expect(refused.stdout).toEqual([]);
  const direct = await discover("line", "--units", "3", "--direct");
  expect(direct.code).toBe(0);
  expect(direct.stdout).toHaveLength(2);
});
