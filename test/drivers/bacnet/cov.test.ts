import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { ObjectPoint } from "../../../drivers/bacnet/question.ts";
import { bus } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  bitString,
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import { unicast } from "../../../drivers/bacnet/wire/packet.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";
import { turns } from "../stage.ts";
import { addressOf, peer, type Requested } from "./peer.ts";

/** Changes of value: a device that is subscribed to, on a clock that stands still unless it is moved. */

const minute = 60_000;
const binary = (instance: number): ObjectPoint => ({
  id: `crac/bi${instance}`,
  device: { instance: 1 },
  address: addressOf({ object: "binary-input", instance, cov: true }),
});

interface Subscribed {
  readonly processId: number;
  readonly instance: number;
  readonly isConfirmed: boolean;
  readonly lifetimeS: number;
}

/** What a SubscribeCOV asks for, off its octets. */
function subscription({ payload }: Requested): Subscribed {
  const length = payload[0]! & 7;
  const at = 1 + length;
  const lifetime = payload.subarray(at + 5 + 3);
  return {
    processId: payload.readUIntBE(1, length),
    instance: payload.readUInt32BE(at + 1) & 0x3f_ffff,
    isConfirmed: payload[at + 6] === 1,
    lifetimeS: lifetime.readUIntBE(0, lifetime.length),
  };
}

type Refuse = (request: Requested) => Buffer | undefined;

async function stage(
  options: { readonly points?: readonly ObjectPoint[]; readonly bus?: object; refuse?: Refuse } = {},
) {
  const { points = [binary(1), binary(2)], refuse = () => undefined } = options;
  const env = fakeEnv();
  const hub = hubOf(env);
  const held = new Map<number, number>([
    [1, 0],
    [2, 0],
  ]);
  const subscriptions: Subscribed[] = [];
  let to = 0;
  let isSilent = false;
  let broken: Buffer | undefined;
  const device = await peer((request, _nth, from) => {
    to = from.port;
    if (isSilent) return undefined;
    if (broken) {
      void env.advance(5);
      return [unicast(broken), datagram(pdu.error, request.invokeId, request.service)];
    }
    if (request.service === 5) {
      const refusal = refuse(request);
      if (refusal) return refusal;
      subscriptions.push(subscription(request));
      return datagram(pdu.simpleAck, request.invokeId, 5);
    }
    const parts = [...held].flatMap(([instance, value]) => [
      ...[context(0, objectIdOctets(3, instance)), opening(1)],
      ...[context(2, unsignedOctets(85)), opening(4), encoders.enumerated(value), closing(4)],
      ...[context(2, unsignedOctets(111)), opening(4), bitString(4, []), closing(4), closing(1)],
    ]);
    return datagram(pdu.complexAck, request.invokeId, 14, ...parts);
  });
  const news: Reading[] = [];
  const session = sessionOn(bus.parse({ host: "127.0.0.1", port: device.port, ...options.bus }), {
    ...{ env, hub },
    news: (readings) => news.push(...readings),
  });
  onTestFinished(async () => {
    await session.close();
    await hub.close();
  });
  const heard: Buffer[] = [];
  device.socket.on("message", (bytes) => heard.push(bytes));
  const read = async (timeoutMs = 1000): Promise<readonly Reading[]> => {
    const reading = session.read({ points }, timeoutMs);
    if (isSilent) {
      await turns(20);
      for (let passed = 0; passed < timeoutMs; passed += 20) {
        await env.advance(20);
        await turns(2);
      }
    }
    return reading;
  };
  return {
    ...{ env, news, subscriptions, read, held, heard },
    silence: (now: boolean) => {
      isSilent = now;
    },
    /** From now on its answers do not decode; before each it says this. */
    breakDown(saying: Buffer) {
      broken = saying;
    },
    /** Sends the APDU to whoever asked, and waits until it has been heard; `isAnswered`: until something came back. */
    async say(apdu: Buffer, isAnswered = false): Promise<void> {
      const answer = isAnswered ? once(device.socket, "message") : undefined;
      await new Promise<void>((sent) => device.socket.send(unicast(apdu), to, "127.0.0.1", () => sent()));
      await turns(20);
      await answer;
    },
    port: () => to,
  };
}

interface Notified {
  readonly processId: number;
  readonly instance: number;
  readonly value: Buffer;
  readonly flags?: readonly number[];
  readonly device?: number;
}

const notification = ({ processId, instance, value, flags = [], device = 1 }: Notified): Buffer =>
  Buffer.concat([
    context(0, unsignedOctets(processId)),
    context(1, objectIdOctets(8, device)),
    context(2, objectIdOctets(3, instance)),
    context(3, unsignedOctets(300)),
    opening(4),
    ...[context(0, unsignedOctets(85)), opening(2), value, closing(2)],
    ...[context(0, unsignedOctets(111)), opening(2), bitString(4, flags), closing(2)],
    closing(4),
  ]);
const unconfirmed = (about: Notified): Buffer =>
  Buffer.concat([Buffer.of(pdu.unconfirmedRequest, 2), notification(about)]);
const confirmed = (about: Notified): Buffer => Buffer.concat([Buffer.of(0x00, 0x05, 77, 1), notification(about)]);
const active = encoders.enumerated(1);

test("points with cov are subscribed to after the first read, and a change is told without a poll", async () => {
  const { read, subscriptions, say, news } = await stage();
  await read();
  expect(subscriptions.map(({ instance, isConfirmed, lifetimeS }) => [instance, isConfirmed, lifetimeS])).toEqual([
    [1, false, 600],
    [2, false, 600],
  ]);
  const { processId } = subscriptions[1]!;
  await say(unconfirmed({ processId, instance: 2, value: active }));
  expect(news).toEqual([{ point: "crac/bi2", value: 1 }]);
});

test.each([
  ["of fault", [1], { fault: "device_fault" }],
  ["of out-of-service", [3], { fault: "out_of_service" }],
  ["of alarm", [0], { value: 1 }],
])("a change with the flag %s is judged as a read one is", async (_, flags, expected) => {
  const { read, subscriptions, say, news } = await stage();
  await read();
  await say(unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active, flags }));
  expect(news).toMatchObject([{ point: "crac/bi1", ...expected }]);
});

test("a confirmed change is acknowledged; one that nobody subscribed to is refused, so that the device drops it", async () => {
  const { read, subscriptions, say, news, heard } = await stage({ bus: { confirmedCov: true } });
  await read();
  expect(subscriptions.map(({ isConfirmed }) => isConfirmed)).toEqual([true, true]);
  const { processId } = subscriptions[0]!;
  await say(confirmed({ processId, instance: 1, value: active }), true);
  expect(heard.at(-1)?.toString("hex")).toBe("810a00090100204d01");
  await say(confirmed({ processId: processId + 1, instance: 1, value: active }), true);
  // Error: services, unknown-subscription
  expect(heard.at(-1)?.toString("hex")).toBe("810a000d0100504d019105914f");
  expect(news).toHaveLength(1);
});

test.each([
  ["another process", { processId: 1 }],
  ["another device", { device: 2 }],
  ["an object that nobody asked for", { instance: 9 }],
])("a change of %s is not taken", async (_, other) => {
  const { read, subscriptions, say, news } = await stage();
  await read();
  await say(unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active, ...other }));
  expect(news).toEqual([]);
});

test("a change from another address than the device's is not taken", async () => {
  const { read, subscriptions, news, port } = await stage();
  await read();
  const stranger = await peer(() => undefined);
  const said = unicast(unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active }));
  await new Promise<void>((sent) => stranger.socket.send(said, port(), "127.0.0.1", () => sent()));
  await turns(20);
  expect(news).toEqual([]);
});

test("subscriptions are renewed when half of their life is over, not before", async () => {
  const { read, subscriptions, env } = await stage();
  await read();
  for (let passed = 0; passed < 4; passed++) {
    await env.advance(minute);
    await read();
  }
  expect(subscriptions).toHaveLength(2);
  await env.advance(minute);
  await read();
  expect(subscriptions).toHaveLength(4);
  expect(new Set(subscriptions.map(({ processId }) => processId)).size).toBe(1);
});

const iAm = Buffer.concat([
  Buffer.of(pdu.unconfirmedRequest, 0),
  ...[objectIdentifier(8, 1), encoders.unsigned(1476), encoders.enumerated(3), encoders.unsigned(0)],
]);

test("a device that introduces itself may have restarted: its subscriptions are made anew, once a minute at most", async () => {
  const { read, subscriptions, say, env } = await stage();
  await read();
  await say(iAm);
  await read();
  expect(subscriptions).toHaveLength(4);
  await say(iAm);
  await read();
  expect(subscriptions).toHaveLength(4);
  await env.advance(minute);
  await say(iAm);
  await read();
  expect(subscriptions).toHaveLength(6);
});

test("after a silence subscriptions are made anew", async () => {
  const { read, subscriptions, silence } = await stage();
  await read();
  silence(true);
  await read();
  silence(false);
  await read();
  expect(subscriptions).toHaveLength(4);
});

test("a change told during a read whose answer does not decode is told, and is no answer", async () => {
  const { read, subscriptions, breakDown, news } = await stage();
  await read();
  breakDown(unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active }));
  expect(await read()).toMatchObject([{ fault: "bad_reply" }, { fault: "bad_reply" }]);
  expect(news).toEqual([{ point: "crac/bi1", value: 1 }]);
});

test("a poll that finds another value than was told last makes its subscription anew", async () => {
  const { read, subscriptions, say, held } = await stage();
  await read();
  await say(unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active }));
  await say(unconfirmed({ processId: subscriptions[0]!.processId, instance: 2, value: encoders.enumerated(0) }));
  held.set(1, 1);
  await read();
  expect(subscriptions).toHaveLength(2);
  held.set(1, 0); // of which nothing is told
  await read();
  expect(subscriptions.slice(2).map(({ instance }) => instance)).toEqual([1]);
});

test.each([
  ["that rejects the service is asked once an hour", (id: number) => datagram(pdu.reject, id, 9), 1],
  [
    "that refuses each object is asked for each once an hour",
    (id: number) => datagram(pdu.error, id, 5, encoders.enumerated(5), encoders.enumerated(43)),
    2,
  ],
])("a device %s, and polled on", async (_, refusal, asked) => {
  let requests = 0;
  const { read, env } = await stage({
    refuse: ({ invokeId }) => {
      requests++;
      return refusal(invokeId);
    },
  });
  for (let round = 0; round < 3; round++) {
    expect(await read()).toEqual([
      { point: "crac/bi1", value: 0 },
      { point: "crac/bi2", value: 0 },
    ]);
  }
  expect(requests).toBe(asked);
  await env.advance(61 * minute);
  await read();
  expect(requests).toBe(2 * asked);
});

test("a flood of changes is bounded, and a poll goes on", async () => {
  const { read, subscriptions, say, news } = await stage();
  await read();
  const one = unconfirmed({ processId: subscriptions[0]!.processId, instance: 1, value: active });
  for (let nth = 0; nth < 30; nth++) await Promise.all(Array.from({ length: 100 }, () => say(one)));
  expect(news.length).toBeGreaterThan(500);
  expect(news.length).toBeLessThanOrEqual(1000);
  expect(await read()).toHaveLength(2);
});
