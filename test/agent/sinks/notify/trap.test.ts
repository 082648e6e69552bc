import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import snmp from "net-snmp";
import { afterEach, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import { Secret } from "../../../../agent/secret.ts";
import { openTrap } from "../../../../agent/sinks/notify/trap.ts";
import { decode, encode, pdus } from "../../../../drivers/snmp/message.ts";
import { fakeEnv } from "../../../env.ts";
import { requireProgram } from "../../../interop/programs.ts";
import { run, until } from "../../../process.ts";
import { canary, down, raised, speaker } from "./news.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const env = realEnv({ logLevel: "silent" });
const open = (port: number, also = env) =>
  openTrap({ host: "127.0.0.1", port, community: new Secret(canary) }, also, speaker);

async function freeUdpPort(): Promise<number> {
  const { socket, port } = await bound();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function bound(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { socket, port: socket.address().port };
}

/** A peer that does what it is told with each inform. */
async function peer(answer: (datagram: Buffer, reply: (answer: Buffer) => void) => void) {
  const { socket, port } = await bound();
  const heard: Buffer[] = [];
  socket.on("message", (datagram, from) => {
    heard.push(datagram);
    answer(datagram, (reply) => socket.send(reply, from.port, from.address));
  });
  ends.push(() => socket.close());
  return { port, heard };
}

test("net-snmp's receiver gets all of it, and acknowledges", async () => {
  const port = await freeUdpPort();
  const heard: { pdu: { type: number; varbinds: { oid: string; value: unknown }[] } }[] = [];
  const receiver = snmp.createReceiver(
    { port, address: "127.0.0.1", disableAuthorization: true } as never,
    (error: unknown, got: unknown) => {
      if (error === null) heard.push(got as never);
    },
  );
  ends.push(() => receiver.close());
  expect(await open(port).send(raised)).toEqual({ delivered: true, said: "acknowledged" });
  const arc = "1.3.6.1.4.1.8072.9999.9999";
  expect(heard[0]!.pdu.type).toBe(snmp.PduType.InformRequest);
  expect(heard[0]!.pdu.varbinds.map(({ oid, value }) => [oid, String(value)])).toEqual([
    ["1.3.6.1.2.1.1.3.0", expect.stringMatching(/^\d+$/)],
    ["1.3.6.1.6.3.1.1.4.1.0", `${arc}.0.1`],
    [`${arc}.1.1.0`, raised.text],
    [`${arc}.1.2.0`, "critical"],
    [`${arc}.1.3.0`, raised.incidentId],
    [`${arc}.1.4.0`, raised.conditionKey],
    [`${arc}.1.5.0`, "raise"],
    [`${arc}.1.6.0`, "fra-1"],
    [`${arc}.1.7.0`, "edge-1"],
    [`${arc}.1.8.0`, raised.raisedAt],
    [`${arc}.1.9.0`, raised.at],
  ]);
});

const snmptrapd = "/usr/sbin/snmptrapd";
test.runIf(requireProgram(snmptrapd))("Net-SNMP's snmptrapd logs it, and acknowledges", async () => {
  const port = await freeUdpPort();
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-trapd-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, "snmptrapd.conf");
  writeFileSync(config, `authCommunity log ${canary}\n`);
  const args = ["-f", "-Lo", "-On", "-C", "-c", config, `udp:127.0.0.1:${port}`];
  const daemon = run(snmptrapd, args, { SNMP_PERSISTENT_DIR: folder });
  ends.push(() => daemon.kill("SIGTERM"));
  await daemon.line(/NET-SNMP version/);
  await until(async () => ((await open(port).send(down)).delivered ? true : null));
  const line = await daemon.line(/Uplink down for 5 min/);
  expect(line).toContain(".1.3.6.1.4.1.8072.9999.9999.0.3");
});

test.each<[name: string, answer: (datagram: Buffer, reply: (answer: Buffer) => void) => void]>([
  ["nothing", () => {}],
  ["no SNMP", (_, reply) => reply(Buffer.from("hello"))],
  ["what it was sent", (datagram, reply) => reply(datagram)],
  [
    "the answer to another inform",
    (datagram, reply) => {
      const message = decode(datagram)!;
      reply(encode({ ...message, pdu: pdus.response, requestId: message.requestId + 1 }));
    },
  ],
  [
    "an answer of another community",
    (datagram, reply) => reply(encode({ ...decode(datagram)!, pdu: pdus.response, community: "other" })),
  ],
  ["an error", (datagram, reply) => reply(encode({ ...decode(datagram)!, pdu: pdus.response, errorStatus: 5 }))],
])("%s for an answer is no acknowledgement, and no secret is in what is said", async (_name, answer) => {
  const { port, heard } = await peer(answer);
  const time = fakeEnv();
  const sent = open(port, { ...time, clock: time.clock }).send(raised);
  await until(() => (heard.length > 0 ? true : null));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await time.advance(5000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await time.advance(5000);
  const told = await sent;
  expect(told.delivered).toBe(false);
  expect(JSON.stringify(told)).not.toContain(canary);
});

test("one that gets lost is sent again, as the same", async () => {
  let count = 0;
  const { port, heard } = await peer((datagram, reply) => {
    if (++count === 2) reply(encode({ ...decode(datagram)!, pdu: pdus.response }));
  });
  const time = fakeEnv();
  const sent = open(port, time).send(raised);
  await until(() => (heard.length === 1 ? true : null));
  await time.advance(5000);
  expect(await sent).toEqual({ delivered: true, said: "acknowledged" });
  expect(heard[1]).toEqual(heard[0]);
});
