import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { follow } from "../../agent/centre/follow.ts";
import { realEnv } from "../../agent/env.ts";
import { fill } from "../../agent/simulate/bench-outbox.ts";
import { startMosquitto } from "../interop/mosquitto.ts";
import { requireProgram } from "../interop/programs.ts";
import { mepwatch, until } from "../process.ts";
import { startProxy } from "./proxy.ts";

/** After a long outage: what waited, through a line that breaks, to a consumer that acknowledges, by a broker that drops. */
const queued = 100_000;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test.skipIf(!requireProgram("/usr/sbin/mosquitto"))(
  "100,000 events that waited come whole and in their order, and leave the store when the centre has them",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "backlog-"));
    closing.push(() => rmSync(folder, { recursive: true }));
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const der = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    writeFileSync(join(folder, "keys"), `noc service ${der}\n`);
    const bus = { protocol: "modbus", host: "127.0.0.1", port: 9 };
    const device = { id: "relay", profile: "relay", bus, address: { unit: 1 } };
    writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "fra-1" }, devices: [device] }));
    const profile = { profile: "relay", describe: "A contact.", protocol: "modbus", class: "test" };
    const points = { c: { address: { table: "holding", register: 0 } } };
    mkdirSync(join(folder, "profiles"));
    writeFileSync(join(folder, "profiles/relay.yaml"), JSON.stringify({ ...profile, points, rules: {} }));
    fill(join(folder, "store.db"), queued, false);

    const broker = await startMosquitto();
    const proxy = await startProxy(broker.port);
    closing.push(
      () => broker.stop(),
      () => proxy.close(),
    );
    const seen = new Set<number>();
    let [late, backwards, last, lost] = [0, 0, 0, 0];
    const line = { url: broker.url, prefix: "mepwatch", host: "noc", sites: [], share: null, present: true };
    const nobody = { username: null, password: null, ca: null };
    const signer = { key: privateKey, kid: "noc", user: "fleet" };
    const centre = follow({ ...line, ...nobody, signer }, realEnv({ logLevel: "silent" }), {
      notice(notice) {
        if (notice.kind === "lost") lost++;
        if (notice.kind !== "event") return;
        const { event, late: historical } = notice;
        const { seq } = event;
        if (historical) late++;
        if (historical && seq < last) backwards++;
        last = historical ? seq : last;
        seen.add(seq);
      },
      shown() {},
    });
    closing.push(() => centre.close());
    const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
      MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${proxy.port}`,
      MEPWATCH_MQTT_BACKFILL: "0",
      MEPWATCH_MQTT_DELIVERY: "centre",
      MEPWATCH_COMMAND_KEYS: join(folder, "keys"),
      MEPWATCH_AGENT: "bench",
      MEPWATCH_STORE: join(folder, "store.db"),
      MEPWATCH_SOCKET: join(folder, "api.sock"),
    });
    closing.push(() => agent.kill("SIGKILL"));
    await agent.line(/agent.started/);
    for (const count of [queued / 4, queued / 2]) {
      await until(() => (seen.size >= count ? true : null));
      proxy.cut(true);
    }
    const depth = async (): Promise<number> => {
      const asked = mepwatch(["status", "--json"], { MEPWATCH_SOCKET: join(folder, "api.sock") });
      await asked.ended;
      return JSON.parse(asked.stdout.join("\n")).buffer.depth;
    };
    await until(() => (seen.size >= queued ? true : null));
    await until(async () => ((await depth()) === 0 ? true : null));
    expect([...Array(queued).keys()].filter((i) => !seen.has(i + 1))).toEqual([]);
    expect([lost, late >= queued]).toEqual([0, true]);
    console.info(`${late} came late, ${backwards} times from further back`);
  },
  400_000,
);
