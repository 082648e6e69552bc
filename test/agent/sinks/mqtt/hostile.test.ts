import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import mqtt from "mqtt-packet";
import { afterEach, describe, expect, test } from "vitest";
import { requireProgram } from "../../../interop/programs.ts";
import { type Running, run, until } from "../../../process.ts";
import { type ScriptedBroker, startBroker } from "./broker.ts";
import { signed } from "./orders.ts";

/** Brokers that do an agent harm, and what is left of it: its memory, and its word. */
const visitor = fileURLToPath(new URL("../../../../dist/test/agent/sinks/mqtt/visitor.js", import.meta.url));
/** Growth of the process, whatever it is sent; a packet of the size that it takes is a hundredth of it. */
const growthMax = 32 * 1024;
const longest = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]);
const zeros = Buffer.alloc(65_536);

let broker: ScriptedBroker;
let process1: Running | undefined;
afterEach(async () => {
  await process1?.kill("SIGKILL");
  await broker.close();
});

const visit = (...args: string[]): Running => {
  process1 = run(process.execPath, ["--max-semi-space-size=2", visitor, broker.url, ...args]);
  return process1;
};
const awayLines = ({ stdout }: Running) => stdout.filter((line) => line.startsWith("broker.away"));
const peak = ({ stdout }: Running): number =>
  Number(stdout.findLast((line) => line.startsWith("peak"))?.slice("peak ".length));
const eventsSeen = () => broker.publishes.filter(({ topic }) => topic.endsWith("/event")).length;
const more = (seen: () => number, by: number): Promise<true> => {
  const before = seen();
  return until(() => (seen() >= before + by ? true : null));
};

/** Writes what `chunk` gives, as fast as it is taken, until there is none or nobody is there. */
async function pour(socket: Socket, chunk: (i: number) => Buffer | null): Promise<void> {
  for (let i = 0; !socket.destroyed; i++) {
    const bytes = chunk(i);
    if (bytes === null) return;
    const isTaken = socket.write(bytes);
    await new Promise<void>((resolve) => {
      if (isTaken) return void setImmediate(resolve);
      const done = () => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }
}
const say =
  (...bytes: number[]) =>
  (socket: Socket) =>
    void socket.write(Buffer.from(bytes));
const repeated = (packet: Buffer, times: number): Buffer => Buffer.concat(Array(times).fill(packet));
const publish = (topic: string, payload: string, qos: 0 | 1 = 0) =>
  mqtt.generate(
    { cmd: "publish", topic, payload, qos, messageId: 7, retain: false, dup: false },
    { protocolVersion: 5 },
  );
const unasked = (qos: 0 | 1) => publish("weather", "x".repeat(500), qos);
const base = "mepwatch/v1/hall-1/a";

const attacks: readonly { what: string; attack(socket: Socket): unknown; why: RegExp }[] = [
  {
    what: "announces a packet of 256 MiB and sends it",
    attack: (socket) => pour(socket, (i) => (i === 0 ? longest : i <= 4096 ? zeros : null)),
    why: /larger than the agent said it takes/,
  },
  {
    what: "sends that in pieces of a byte from the first one on",
    attack: (socket) => pour(socket, (i) => (i < 5 ? longest.subarray(i, i + 1) : zeros)),
    why: /larger than the agent said it takes/,
  },
  {
    what: "is none, but a web server",
    attack: (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    why: /no MQTT broker/,
  },
  { what: "sends a length without end", attack: say(0xd0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00), why: /no MQTT broker/ },
  { what: "sends what only clients send", attack: say(0x82, 0x00), why: /no MQTT broker/ },
  {
    what: "sends a packet whose inside is none",
    attack: say(0x30, 0x02, 0xff, 0xff),
    why: /Cannot parse/,
  },
  {
    what: "sends small packets without end",
    attack: (socket) => pour(socket, () => repeated(Buffer.from([0xd0, 0x00]), 32_768)),
    why: /nobody asked for/,
  },
  {
    what: "sends acknowledgements of nothing without end",
    attack: (socket) => pour(socket, () => repeated(Buffer.from([0x40, 0x02, 0xff, 0x00]), 10_000)),
    why: /nobody asked for/,
  },
  {
    what: "sends messages that nobody subscribed to, without end",
    attack: (socket) => pour(socket, () => repeated(unasked(0), 100)),
    why: /nobody asked for/,
  },
  {
    what: "sends those and reads none of the answers",
    attack: (socket) => {
      socket.pause();
      return pour(socket, () => repeated(unasked(1), 100));
    },
    why: /nobody asked for|no acknowledgement in time/,
  },
  {
    what: "drips a packet, byte by byte",
    attack: (socket) => pour(socket, (i) => (i === 0 ? Buffer.from([0x30, 0xff, 0xff, 0x07]) : Buffer.from([0]))),
    why: /in more pieces|no acknowledgement in time/,
  },
  {
    what: "ends in the middle of a packet",
    attack: (socket) => {
      socket.write(Buffer.from([0x30, 0xff, 0x01, 0x00]));
      setTimeout(() => socket.destroy(), 50);
    },
    why: /the connection was closed|ECONNRESET/,
  },
];

const attackAll = (attack: (socket: Socket) => unknown): void => {
  for (const socket of broker.sockets) void attack(socket);
};

describe("a broker that", () => {
  test.each(attacks)("$what is left, by name, and found again when it is well", async ({ attack, why }) => {
    broker = await startBroker();
    const agent = visit();
    await until(() => (eventsSeen() >= 5 ? true : null));
    const before = peak(agent);
    const comes: number[] = [];
    broker.onConnect = () => {
      comes.push(performance.now());
      return {};
    };
    broker.onPublish = ({ topic }) => {
      if (!topic.endsWith("/event")) return 0;
      setTimeout(attackAll, 20, attack); // so that no acknowledgement is in the middle of it
      return null;
    };
    await until(() => (awayLines(agent).length >= 4 ? true : null));
    const gaps = comes.slice(1).map((at, i) => at - (comes[i] ?? 0));
    expect(gaps[0]).toBeGreaterThan(90); // 2 s, 20 times as fast
    expect(gaps[1]).toBeGreaterThan(180);
    // On a busy machine a hurried deadline may pass first.
    const others = awayLines(agent).filter((line) => !why.test(line));
    expect(others.length).toBeLessThan(awayLines(agent).length);
    for (const line of others) expect(line).toMatch(/no acknowledgement in time/);
    broker.onPublish = () => 0;
    await more(eventsSeen, 5);
    expect(peak(agent) - before).toBeLessThan(growthMax);
    expect(agent.child.exitCode).toBeNull();
  });

  test("floods it with commands, none of them right, is borne, and hears of the events meanwhile", async () => {
    broker = await startBroker();
    const agent = visit();
    await until(() => (eventsSeen() >= 5 ? true : null));
    expect(broker.subscribes.map(({ packet }) => packet.subscriptions[0]?.topic)).toContain(`${base}/cmd/+`);
    const before = peak(agent);
    const forged = JSON.stringify(signed("ack", Date.now(), { site: "hall-1" }));
    const payloads = ["{", forged, forged.replace('"name":"ack"', '"name":"replay"'), "x".repeat(100_000), "[]"];
    const flood = payloads.map((payload) => publish(`${base}/cmd/ack`, payload));
    const during = more(eventsSeen, 3);
    await Promise.all(
      [...broker.sockets].map((socket) => pour(socket, (i) => (i < 5000 ? (flood[i % 5] ?? null) : null))),
    );
    await during;
    await more(eventsSeen, 5);
    expect(awayLines(agent)).toEqual([]);
    expect(peak(agent) - before).toBeLessThan(growthMax);
    expect(agent.child.exitCode).toBeNull();
  });

  test("greets, and then talks nonsense, is away, by name", async () => {
    broker = await startBroker();
    broker.onConnect = () => {
      attackAll((socket) => socket.write(Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00, 0x47, 0x11])));
      return null;
    };
    const agent = visit();
    expect(await agent.line(/broker.away/)).toMatch(/no MQTT broker/);
    broker.onConnect = () => ({});
    await more(eventsSeen, 1);
  });

  test.runIf(requireProgram("/usr/bin/openssl"))("is one by TLS is held to the same, and to its name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tls-"));
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const named = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...[...named, "-keyout", key, "-out", cert],
    ]);
    const pem = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
    rmSync(folder, { recursive: true });
    broker = await startBroker(0, pem);
    const stranger = visit();
    expect(await stranger.line(/broker.away/)).toMatch(/self-signed certificate/);
    await stranger.kill("SIGKILL");
    expect(broker.connects).toEqual([]);
    const agent = visit(pem.cert);
    await more(eventsSeen, 1);
    attackAll((socket) => socket.write(longest));
    expect(await agent.line(/broker.away/)).toMatch(/larger than the agent said it takes/);
    await more(eventsSeen, 1);
  });
});
