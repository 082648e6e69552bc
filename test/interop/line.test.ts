import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mepwatch, type Running, until } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** A serial line that `mepwatch simulate` makes by socat, with what its devices do wrong, read by the agent's own serial port. */
const present = requireProgram("/usr/bin/socat");

/** Each does something else wrong, on one line: what one does is not to be seen at another. */
const devices = {
  well: { fault: "none", says: /^good$/ },
  dripping: { fault: "drip", says: /^good$/ },
  hasty: { fault: "delay:100ms", says: /^good$/ },
  silent: { fault: "silent", says: /^timeout/ },
  refusing: { fault: "exception:6", says: /^device_error: exception 6/ },
  foreign: { fault: "wrong-unit", says: /^bad_reply|^timeout/ },
  noisy: { fault: "noise", says: /^bad_reply|^timeout/ },
  garbled: { fault: "wrong-checksum", says: /^bad_reply/ },
} as const;
const names = Object.keys(devices) as (keyof typeof devices)[];

let folder: string;
let site: string;
const started: Running[] = [];
const simulate = (...more: string[]): Running => {
  const running = mepwatch(["simulate", "--story", "calm", "--config", site, ...more]);
  started.push(running);
  return running;
};
const faults = names.flatMap((name) => ["--fault", `${name}=${devices[name].fault}`]);

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-line-"));
  site = join(folder, "site.yaml");
  const line = join(folder, "line");
  const meters = { protocol: "modbus", transport: "rtu", path: line, baud: 115_200, timeout: "1s" };
  const text = {
    ...{ version: 1, site: { id: "s" }, buses: { meters } },
    devices: names.map((id, i) => ({
      ...{ id, profile: "leak/rle-ld2100", bus: "meters", address: { unit: i + 1 }, interval: "2s" },
    })),
  };
  writeFileSync(site, JSON.stringify(text));
  const ready = await simulate(...faults).line(/^\{/);
  expect(JSON.parse(ready)).toEqual({ ports: {}, lines: { meters: line } });
  const agent = mepwatch(["run", "--config", site], {
    MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${await freePort()}`,
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
  });
  started.push(agent);
}, 60_000);

afterAll(async () => {
  await Promise.all(started.toReversed().map((one) => one.kill("SIGTERM")));
  if (!folder) return;
  expect(existsSync(join(folder, "line"))).toBe(false);
  rmSync(folder, { recursive: true });
}, 30_000);

/** Of a device's points, how they are: each kind once. */
async function qualities(device: string): Promise<string[]> {
  const asked = mepwatch(["read", device, "--json", "--socket", join(folder, "api.sock")]);
  await asked.ended;
  const all: { quality: string; reason?: string }[] = JSON.parse(asked.stdout[0] ?? "[]");
  return [...new Set(all.map(({ quality, reason }) => reason ?? quality))];
}

describe.skipIf(!present)("a simulated serial line, read by the agent", () => {
  test.each(names)(
    "%s",
    async (name) => {
      const { says } = devices[name];
      const told = await until(async () => {
        const all = await qualities(name);
        return all.length > 0 && all.every((one) => says.test(one)) ? all : null;
      });
      expect(told).not.toEqual([]);
    },
    60_000,
  );

  test.each([
    [["--fault", "well"], /expected DEVICE=FAULT, such as ups-a=silent/],
    [["--fault", "nobody=silent"], /^--fault: no device or bus "nobody"; expected one of well, .*meters$/],
  ] as const)("%j is refused", async (more, message) => {
    const refused = mepwatch(["simulate", "--config", siteElsewhere("other"), ...more]);
    expect(await refused.ended).toBe(2);
    expect(refused.stderr.join("\n")).toMatch(message);
    expect(refused.stdout).toEqual([]);
  });

  test("where there is no socat, it says so and what to do", async () => {
    const refused = mepwatch(["simulate", "--config", siteElsewhere("third")], { PATH: folder });
    expect(await refused.ended).toBe(69);
    expect(refused.stderr.join("\n")).toMatch(
      /^simulate: no serial line at .*: socat cannot be run \(.*ENOENT\); install it \(Debian: apt-get install socat\)/,
    );
  });
});

/** The same site on another line. */
function siteElsewhere(name: string): string {
  const elsewhere = join(folder, `${name}.yaml`);
  const line = { protocol: "modbus", transport: "rtu", path: join(folder, name) };
  const device = { id: "well", profile: "leak/rle-ld2100", bus: "meters" };
  writeFileSync(
    elsewhere,
    JSON.stringify({ version: 1, site: { id: "s" }, buses: { meters: line }, devices: [device] }),
  );
  return elsewhere;
}
