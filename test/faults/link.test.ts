import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { receive } from "../../agent/sinks/stream.ts";
import { freePort, startMosquitto } from "../interop/mosquitto.ts";
import { requireProgram } from "../interop/programs.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { openCentre } from "./centre.ts";
import { live, pause, siteOf, startContacts } from "./contacts.ts";
import { startProxy } from "./proxy.ts";
import { chance, seed } from "./seed.ts";
import { wrongIn } from "./told.ts";

/** Lines that break, and a broker that is killed, while conditions come and go: each is told, and none twice under two ids. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An agent whose broker is at `port`, its site alive, and the centre's ear at `url`. */
async function alive(name: string, port: number, url: string, protocol: 4 | 5) {
  const values = new Map<string, number>();
  const random = chance(name);
  const simulator = await startContacts(1, values);
  const { folder, id } = siteOf(1, simulator.port);
  const centre = await openCentre(url, protocol);
  const heard = centre.of(id);
  const site = live(1, values, heard, random);
  const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${port}`,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
  });
  closing.push(
    () => simulator.close(),
    () => rmSync(folder, { recursive: true }),
    () => centre.close(),
    () => agent.kill("SIGKILL"),
  );
  const end = async (): Promise<void> => {
    const settled = await site.settle(60_000);
    await pause(100); // the last acknowledgements
    await agent.kill("SIGTERM");
    expect(settled ? wrongIn(heard, site.truth) : ["not everything was heard in time"]).toEqual([]);
  };
  const heardMore = async (by: number): Promise<void> => {
    const before = heard.events.size;
    await until(() => (heard.events.size >= before + by ? true : null));
  };
  return { heard, heardMore, end, random };
}

test.skipIf(!requireProgram("/usr/sbin/mosquitto"))(
  `a line that comes and goes, and one that goes dead (FAULTS_SEED=${seed})`,
  async () => {
    const broker = await startMosquitto();
    const proxy = await startProxy(broker.port);
    closing.push(
      () => broker.stop(),
      () => proxy.close(),
    );
    const { heard, heardMore, end, random } = await alive("link", proxy.port, broker.url, 5);
    await heardMore(5);
    for (let i = 0; i < 12; i++) {
      proxy.cut(i % 3 !== 0);
      await pause(600 * random());
      if (i % 3 === 0) proxy.cut(true);
      if (i % 4 === 3) await heardMore(3);
    }
    proxy.dead(true);
    await pause(1500);
    proxy.dead(false);
    await heardMore(5);
    proxy.dead(true);
    // Until it gives the line up by itself, for want of an answer.
    await pause(12_000);
    proxy.dead(false);
    await heardMore(5);
    await end();
    console.info(`${heard.events.size} events, ${receive(heard.stream).duplicates} of them came twice`);
  },
  180_000,
);

const nats = "/usr/sbin/nats-server";

async function startNats(folder: string, port: number): Promise<Running> {
  const config = join(folder, "nats.conf");
  const [name, store] = ["server_name: n1", `jetstream { store_dir: "${join(folder, "js")}" }`];
  writeFileSync(config, `${name}\nlisten: "127.0.0.1:-1"\n${store}\nmqtt { listen: "127.0.0.1:${port}" }\n`);
  const server = run(nats, ["-c", config]);
  await server.line(/Server is ready/);
  return server;
}

test.skipIf(!requireProgram(nats))(
  `NATS, which speaks 3.1.1, killed in the middle (FAULTS_SEED=${seed})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "nats-"));
    const port = await freePort();
    let server = await startNats(folder, port);
    closing.push(
      () => rmSync(folder, { recursive: true, force: true }),
      () => server.kill("SIGKILL"),
    );
    const { heardMore, end } = await alive("nats", port, `mqtt://127.0.0.1:${port}`, 4);
    await heardMore(10);
    await server.kill("SIGKILL");
    await pause(500);
    server = await startNats(folder, port);
    await heardMore(10);
    await end();
  },
  180_000,
);
