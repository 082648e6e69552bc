import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import { datagram, octets } from "../../../drivers/bacnet/wire/encode.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { asked, hub, multiple, peer, type Requested, real, request, session } from "./peer.ts";

/** What makes a bare node-bacnet take one value for another: many requests at once, and answers in segments. */

const brief = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.fault : one.value));
/** Long enough for a machine that does something else. */
const patience = 30_000;

/** Of each object its own value, and none that another device has; later answers overtake earlier ones. */
const device = (nth: number) =>
  peer((one, request, from) => {
    const own = Object.fromEntries(asked(one).map((instance) => [instance, real(1000 * nth + instance)]));
    void sleep(request % 3).then(() => sockets[nth]?.send(multiple(one, own), from.port, from.address));
    return undefined;
  });
const sockets: Awaited<ReturnType<typeof peer>>["socket"][] = [];

test("400 reads at once of one device are all right", async () => {
  const one = await device(0);
  sockets[0] = one.socket;
  const reading = session(one.port);
  const instances = Array.from({ length: 400 }, (_, i) => i + 1);
  const all = await Promise.all(instances.map((instance) => reading.read(request(instance), patience)));
  expect(all.flatMap(brief)).toEqual(instances);
});

test("400 reads at once of 20 devices with the same objects are all right", async () => {
  const on = hub();
  const sessions: ReturnType<typeof session>[] = [];
  for (let nth = 0; nth < 20; nth++) {
    const one = await device(nth);
    sockets[nth] = one.socket;
    sessions.push(session(one.port, on));
  }
  const wanted = Array.from({ length: 400 }, (_, i) => [i % 20, 1 + Math.floor(i / 20)] as const);
  const all = await Promise.all(wanted.map(([nth, instance]) => sessions[nth]!.read(request(instance), patience)));
  expect(all.flatMap(brief)).toEqual(wanted.map(([nth, instance]) => 1000 * nth + instance));
});

/** An answer cut into segments of 16 octets, as if they had been accepted; `first` numbers them. */
function segments(one: Requested, value: number, first: number): Buffer[] {
  const body = multiple(one, { 1: real(value), 2: real(value), 3: real(value) }).subarray(9);
  const pieces = Array.from({ length: Math.ceil(body.length / 16) }, (_, i) => body.subarray(16 * i, 16 * (i + 1)));
  return pieces.map((piece, i) => {
    const more = i < pieces.length - 1 ? 0x0c : 0x08;
    return datagram(octets(pdu.complexAck | more, one.invokeId, (first + i) & 0xff, 4, one.service, piece));
  });
}

test.each([
  ["in order", (all: Buffer[]) => all],
  ["the last one first", (all: Buffer[]) => all.toReversed()],
  ["the last one alone", (all: Buffer[]) => all.slice(-1)],
  ["each twice", (all: Buffer[]) => all.flatMap((one) => [one, one])],
])(
  "two devices that answer in segments, which none accepted, %s: a fault at once, and never a value",
  async (_, order) => {
    const on = hub();
    const rounds = 20;
    // Numbered from 0, and from what the library would take for the service.
    const both = await Promise.all(
      [5000, 1000].map((value) =>
        peer((one, nth) => (nth === rounds ? multiple(one, all(value)) : order(segments(one, value, nth % 16)))),
      ),
    );
    const sessions = both.map(({ port }) => session(port, on));
    for (let round = 0; round < rounds; round++) {
      const readings = await Promise.all(sessions.map((one) => one.read(request(1, 2, 3), patience)));
      for (const one of readings.flat())
        expect(one).toMatchObject({ fault: "bad_reply", detail: "a segmented answer, although none was accepted" });
    }
    const readings = await Promise.all(sessions.map((one) => one.read(request(1, 2, 3), patience)));
    expect(readings.map(brief)).toEqual([
      [5000, 5000, 5000],
      [1000, 1000, 1000],
    ]);
  },
);

const all = (value: number) => ({ 1: real(value), 2: real(value), 3: real(value) });

test("a device that answers each request twice, once more after the next one, gives each its own value", async () => {
  let before: Buffer[] = [];
  const one = await peer((asking) => {
    const answer = multiple(asking, Object.fromEntries(asked(asking).map((instance) => [instance, real(instance)])));
    const said = [...before, answer, answer];
    before = [answer];
    return said;
  });
  const reading = session(one.port);
  for (let instance = 1; instance <= 300; instance++)
    expect(brief(await reading.read(request(instance), patience))).toEqual([instance]);
});
