import { createSocket } from "node:dgram";
import { once } from "node:events";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Hint } from "../../../drivers/driver.ts";
import { enginesOf } from "../../../drivers/snmp/engines.ts";
import { earOf, listen } from "../../../drivers/snmp/listener.ts";
import type { Bus } from "../../../drivers/snmp/schema.ts";
import { decodeV3 } from "../../../drivers/snmp/v3.ts";
import { fakeEnv } from "../../env.ts";
import { until } from "../../process.ts";
import { damaged, edits } from "../damage.ts";
import { env as realEnv } from "./peer.ts";
import { onBattery, ops, options, senderV3, trapV1, trapV2c } from "./senders.ts";

/** 25,000 traps and informs that were damaged on the way: none throws, none is believed where it can be told, each is counted. */

const rounds = 5000;
const seed = 8;
const open = { user: "open" };

/** An ear of which no budget is used up: each datagram comes from a device of its own second. */
function patientEar() {
  const env = fakeEnv();
  const hints: Hint<Bus>[] = [];
  const ear = earOf(options({ users: [ops, open] }), env, enginesOf(env), {
    ...{ passed: null, kept: null, keep: () => {}, onDropped: () => {} },
    onHint: (hint) => void hints.push(hint),
  });
  const replies: Buffer[] = [];
  return {
    hints,
    replies,
    ear,
    async hear(datagram: Buffer): Promise<void> {
      await env.advance(1000);
      ear.hear(datagram, "10.0.0.1", (reply) => void replies.push(reply));
    },
  };
}

let seconds = 1000;
/** Of informs: the same one again would be the one before, sent again. */
const another = (): string => `${onBattery}.${++seconds}`;
const sender = senderV3(ops);
const informer = senderV3(ops, "8000000099");

const kinds: readonly [name: string, proves: boolean, make: (at: ReturnType<typeof patientEar>) => Promise<Buffer>][] =
  [
    ["SNMPv1", false, async () => trapV1()],
    ["SNMPv2c, an inform", false, async () => trapV2c(another(), "inform")],
    ["SNMPv3 in the clear", false, async () => senderV3(open, "8000000088").trap(++seconds)],
    ["SNMPv3 with privacy", true, async () => sender.trap(++seconds)],
    [
      "SNMPv3, an inform with privacy",
      true,
      async ({ hear, replies }) => {
        await hear(informer.discovery());
        return informer.inform(decodeV3(replies.splice(0).at(-1)!)!.message, another());
      },
    ],
  ];

test.each(kinds)(
  "%s: damaged ones",
  async (_, proves, make) => {
    const at = patientEar();
    let heard = 0;
    await fc.assert(
      fc.asyncProperty(edits, async (all) => {
        const datagram = await make(at);
        await at.hear(damaged(datagram, all));
        // What was put behind the message, or came out as it was, is no damage.
        const isWhole = damaged(datagram, all).subarray(0, datagram.length).equals(datagram);
        const taken = at.hints.splice(0);
        if (proves && !isWhole) expect(taken).toEqual([]);
        expect(taken.every(({ trap }) => /^[\d.]+$/.test(trap))).toBe(true);
        heard += taken.length;
        at.replies.splice(0);
        await at.hear(await make(at));
        heard += at.hints.splice(0).length;
        at.replies.splice(0);
      }),
      { numRuns: rounds, seed },
    );
    const { received, answered, dropped, refused } = at.ear.status();
    expect(dropped).toBe(0);
    expect(heard).toBeGreaterThanOrEqual(rounds);
    expect(heard + answered + refused.reduce((sum, { count }) => sum + count, 0)).toBe(received);
  },
  300_000,
);

test("over the wire: whatever comes, the next trap is heard", async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  const hints: Hint<Bus>[] = [];
  const hooks = {
    passed: null,
    kept: null,
    keep: () => {},
    onHint: (hint: Hint<Bus>) => void hints.push(hint),
    onDropped: () => {},
  };
  const listener = listen(options(), realEnv, enginesOf(realEnv), hooks);
  onTestFinished(() => listener.close());
  const port = await until(() => Number(/127\.0\.0\.1:([1-9]\d*)/.exec(listener.status().at)?.[1]) || null);
  const device = createSocket("udp4").bind(0, "127.0.0.1");
  onTestFinished(() => void device.close());
  await once(device, "listening");
  const datagrams = [trapV1(), trapV2c(), trapV2c(onBattery, "inform"), sender.trap(++seconds), sender.discovery()];
  const damages = fc.sample(edits, { numRuns: 40, seed });
  for (const [i, one] of damages.entries())
    device.send(damaged(datagrams[i % datagrams.length]!, one), port, "127.0.0.1");
  await until(() => (listener.status().received === damages.length ? true : null));
  hints.splice(0);
  device.send(trapV2c(), port, "127.0.0.1");
  await until(() => hints[0] ?? null);
  expect(hints).toMatchObject([{ trap: onBattery }]);
  expect(uncaught).toEqual([]);
});
