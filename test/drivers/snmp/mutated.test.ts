import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../agent/secret.ts";
import { readingOf } from "../../../drivers/snmp/codec.ts";
import { communityBased } from "../../../drivers/snmp/community.ts";
import type { Dialect, Heard } from "../../../drivers/snmp/dialect.ts";
import { type Binding, decode } from "../../../drivers/snmp/message.ts";
import { userBased } from "../../../drivers/snmp/user-based.ts";
import { seal } from "../../../drivers/snmp/usm.ts";
import { decodeScoped, decodeV3, encodeV3 } from "../../../drivers/snmp/v3.ts";
import { damaged, type Edit, edits } from "../damage.ts";
import { brief, env, good, peer, point, request, session } from "./peer.ts";
import { type Agent, answerTo, credentials, heardBy, peerV3, report, sealed, sessionV3, usmStats } from "./peer-v3.ts";

/** 20,000 answers that were damaged on the way: none throws, none is believed where it can be told, and the next one counts. */

const rounds = 5000;
const seed = 7;

const agent: Agent = { engineId: Buffer.from("8000000001020304", "hex"), boots: 7, time: 1000 };
const auth = { ...credentials.auth, key: new Secret(credentials.auth.key) };
const priv = { ...credentials.priv, key: new Secret(credentials.priv.key) };

const private3 = (datagram: Buffer): Buffer => {
  const asked = heardBy(agent, datagram);
  return Buffer.isBuffer(asked) ? asked : sealed(asked);
};
const open3 = (datagram: Buffer): Buffer => {
  const { message } = decodeV3(datagram)!;
  if (!message.engineId.equals(agent.engineId)) return encodeV3(report(agent, message, `${usmStats}.4`));
  return seal(answerTo(agent, message, decodeScoped(message.data)!.pdu), {}, Buffer.alloc(8));
};

const dialects: readonly [name: string, Dialect, answer: (datagram: Buffer) => Buffer, proves: boolean][] = [
  ["SNMPv1", communityBased(1, "public"), (datagram) => good(decode(datagram)!), false],
  ["SNMPv2c", communityBased("2c", "public"), (datagram) => good(decode(datagram)!), false],
  ["SNMPv3 in the clear", userBased({ user: "ops", context: "" }, env), open3, false],
  ["SNMPv3 with privacy", userBased({ user: "ops", auth, priv, context: "" }, env), private3, true],
];

const points = [1, 2, 300].map(point);
const oids = points.map(({ address }) => address.oid!);
const valuesOf = (heard: Heard): (string | number)[] =>
  heard.kind === "bindings" ? brief(points.map((one) => readingOf(one, placesOf(heard.bindings)))) : [heard.kind];
const placesOf = (bindings: readonly Binding[]) => new Map(oids.map((oid, at) => [oid, bindings[at]]));

/** A request that is answered by the book, with its discovery where there is one. */
function converse(dialect: Dialect, answer: (datagram: Buffer) => Buffer): Heard {
  const turn = dialect.ask(oids);
  for (let nth = 0; nth < 5; nth++) {
    const heard = turn.hear(answer(turn.next()));
    if (heard.kind !== "again") return heard;
  }
  return { kind: "other" };
}

test.each(dialects)(
  "%s: damaged answers",
  (_, dialect, answer, proves) => {
    expect(valuesOf(converse(dialect, answer))).toEqual([1, 2, 300]);
    fc.assert(
      fc.property(edits, (all) => {
        const turn = dialect.ask(oids);
        const heard = turn.hear(damaged(answer(turn.next()), all));
        const values = valuesOf(heard);
        if (proves && heard.kind === "bindings") expect(values).toEqual([1, 2, 300]);
        expect(valuesOf(converse(dialect, answer))).toEqual([1, 2, 300]);
      }),
      { numRuns: rounds, seed },
    );
  },
  60_000,
);

test("over the wire: each damaged answer settles its read, and the next read is right", async () => {
  const uncaught: unknown[] = [];
  const listen = (error: unknown) => void uncaught.push(error);
  process.on("uncaughtException", listen);
  onTestFinished(() => void process.off("uncaughtException", listen));
  const damages = fc.sample(edits, { numRuns: 300, seed });
  let damage: readonly Edit[] = [];
  const devices = [
    session((await peer((asked) => [damaged(good(asked), damage), good(asked)])).port),
    sessionV3((await peerV3((asked) => [damaged(sealed(asked), damage), sealed(asked)])).port),
  ];
  for (damage of damages) {
    for (const device of devices) expect(await device.read(request(1, 2), 10_000)).toHaveLength(2);
  }
  damage = [];
  for (const device of devices) expect(brief(await device.read(request(1, 2), 10_000))).toEqual([1, 2]);
  expect(uncaught).toEqual([]);
});
