import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../../drivers/bacnet/listener.ts";
import { type Bus, type Device, network, type Trap } from "../../../drivers/bacnet/schema.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import { closing, context, objectIdOctets, opening } from "../../../drivers/bacnet/wire/encode.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import { forwarded, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import { whoIs } from "../../../drivers/bacnet/wire/whois.ts";
import type { Hint } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";
import { turns } from "../stage.ts";

/** What comes unasked, through real sockets, on a clock that stands still. */

async function stage(options: object = {}) {
  const env = fakeEnv();
  const hub = hubOf(env);
  const hints: Hint<Bus, Trap, Device>[] = [];
  const dropped: string[] = [];
  const given = { ...network.parse({ address: "127.0.0.1", broadcast: "127.255.255.255", ...options }), port: 0 };
  const listener = listen(given, env, hub, {
    ...{ passed: null, kept: null, keep: () => {} },
    onHint: (hint) => void hints.push(hint),
    onDropped: (source) => void dropped.push(source),
  });
  onTestFinished(async () => {
    await listener.close();
    await hub.close();
  });
  const device = createSocket("udp4");
  onTestFinished(() => void device.close());
  device.bind(0, "127.0.0.1");
  await once(device, "listening");
  while (listener.status().at.endsWith(":0")) await turns(1);
  const port = Number(listener.status().at.split(":")[1]);
  const send = async (datagram: Buffer): Promise<void> => {
    await new Promise<void>((sent) => device.send(datagram, port, "127.0.0.1", () => sent()));
    await turns(20);
  };
  const answerTo = async (datagram: Buffer): Promise<string> => {
    const answer = once(device, "message") as Promise<[Buffer]>;
    await send(datagram);
    return (await answer)[0].toString("hex");
  };
  return { hints, dropped, listener, send, answerTo, device: device as Socket, env };
}

/** Process 0 of device 3000: binary-input 3 is off-normal, "Lüfter". */
const notification = Buffer.concat([
  ...[context(0, Buffer.of(0)), context(1, objectIdOctets(8, 3000)), context(2, objectIdOctets(3, 3))],
  ...[opening(3), context(1, Buffer.of(7)), closing(3), context(4, Buffer.of(1)), context(5, Buffer.of(100))],
  ...[context(6, Buffer.of(1)), context(7, Buffer.from("\0Lüfter")), context(8, Buffer.of(0))],
  ...[context(9, Buffer.of(1)), context(10, Buffer.of(0)), context(11, Buffer.of(2))],
  ...[opening(12), opening(1), context(0, Buffer.of(1)), context(1, Buffer.of(4, 0x80)), closing(1), closing(12)],
]);
const unconfirmed = Buffer.concat([Buffer.of(pdu.unconfirmedRequest, 3), notification]);
const confirmed = Buffer.concat([Buffer.of(0x00, 0x05, 9, 2), notification]);

test("an event is a hint: of which device, about which object, and what it says", async () => {
  const { hints, send } = await stage();
  await send(unicast(unconfirmed));
  const [hint, ...more] = hints;
  expect(more).toEqual([]);
  expect(hint).toMatchObject({ source: "127.0.0.1", trap: "binary-input 3", buses: null });
  expect(hint?.bindings).toEqual([
    { name: "event-type", text: "change-of-state" },
    { name: "notify-type", text: "alarm" },
    { name: "from-state", text: "normal" },
    { name: "to-state", text: "offnormal" },
    { name: "message-text", text: "Lüfter" },
  ]);
  expect([3000, 3001].map((instance) => hint?.isFrom?.({ instance }))).toEqual([true, false]);
  const isOf = (object: "binary-input" | "analog-input" | number, instance: number) => hint?.isOf({ object, instance });
  expect([isOf("binary-input", 3), isOf(3, 3), isOf("analog-input", 3), isOf("binary-input", 4)]).toEqual([
    ...[true, true, false, false],
  ]);
});

test("a confirmed event is confirmed once it is taken", async () => {
  const { hints, answerTo } = await stage();
  expect(await answerTo(unicast(confirmed))).toBe("810a00090100200902");
  expect(hints[0]?.by).toContain("confirmed event notification of device 3000");
});

test.each([
  ["an event that does not decode", Buffer.of(0x00, 0x05, 9, 2, 0x0c, 0), "810a0009 0100 600909"],
  ["a ReadProperty", Buffer.from("0005090c0c020000011955", "hex"), "810a0009 0100 600909"],
  ["a WriteProperty", Buffer.from("0005090f0c0080000119553e44000000003f", "hex"), "810a0009 0100 600909"],
])("%s is rejected, and nothing is hinted", async (_, apdu, answer) => {
  const { hints, answerTo } = await stage();
  expect(await answerTo(unicast(apdu))).toBe(answer.replaceAll(" ", ""));
  expect(hints).toEqual([]);
});

test.each([
  ["of all", Buffer.of(0x10, 8), true],
  ["of a range that has it", whoIs(4000, 5000), true],
  ["of another range", whoIs(1, 3999), false],
])("Who-Is %s is answered as the device that the agent is", async (_, apdu, isAnswered) => {
  const { device, send } = await stage({ instance: 4711 });
  const heard: string[] = [];
  device.on("message", (bytes) => heard.push(bytes.toString("hex")));
  await send(unicast(apdu));
  await turns(20);
  // I-Am: device 4711, APDUs of 1476, no segmentation, no maker
  expect(heard).toEqual(isAnswered ? ["810a001401001000c4020012672205c491032100"] : []);
});

test("without an instance Who-Is is not answered", async () => {
  const { device, send } = await stage();
  const heard: Buffer[] = [];
  device.on("message", (bytes) => heard.push(bytes));
  await send(unicast(Buffer.of(0x10, 8)));
  expect(heard).toEqual([]);
});

test("what a BBMD sends on is of whom it says", async () => {
  const { hints, send } = await stage();
  await send(forwarded(unconfirmed, { host: "192.0.2.7", port: 47_808 }));
  expect(hints[0]).toMatchObject({ source: "192.0.2.7" });
});

test("what claims to come from port 0 cannot be answered, and does no harm", async () => {
  const { hints, send } = await stage({ instance: 4711 });
  await send(forwarded(Buffer.of(0x10, 8), { host: "127.0.0.1", port: 0 }));
  await send(unicast(unconfirmed));
  expect(hints).toHaveLength(1);
});

test("what is over the budget is dropped and counted", async () => {
  const { hints, dropped, listener, send } = await stage();
  for (let nth = 0; nth < 200; nth++) await send(unicast(unconfirmed));
  expect(hints.length).toBe(50);
  expect(dropped.length).toBe(150);
  expect(listener.status()).toMatchObject({ received: 200, dropped: 150 });
});

test("a port that another program has is told, and tried again", async () => {
  const env = fakeEnv();
  const taken = createSocket("udp4");
  taken.bind(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const given = network.parse({ address: "127.0.0.1", port, broadcast: "127.255.255.255" });
  const listener = listen(given, env, hub, {
    ...{ passed: null, kept: null, keep: () => {}, onHint: () => {}, onDropped: () => {} },
  });
  await turns(20);
  expect(listener.status().trouble).toContain("EADDRINUSE");
  expect(env.reports.map(({ code }) => code)).toEqual(["bacnet.deaf"]);
  await new Promise<void>((closed) => taken.close(() => closed()));
  await env.advance(30_000);
  await turns(20);
  expect(listener.status().trouble).toBeNull();
});

test("a silent event with a state that nobody knows is told by its numbers", async () => {
  const { hints, send } = await stage();
  const own = Buffer.concat([
    ...[context(0, Buffer.of(0)), context(1, objectIdOctets(8, 3000)), context(2, objectIdOctets(200, 3))],
    ...[opening(3), context(1, Buffer.of(7)), closing(3), context(6, Buffer.of(99)), context(8, Buffer.of(2))],
    context(11, Buffer.of(77)),
  ]);
  await send(unicast(Buffer.concat([Buffer.of(pdu.unconfirmedRequest, 3), own])));
  expect(hints[0]).toMatchObject({ trap: "200 3" });
  expect(hints[0]?.bindings.map(({ text }) => text)).toEqual(["99", "ack-notification", "77"]);
});
