import fc from "fast-check";
import { expect, test } from "vitest";
import type { Deadline } from "../../../drivers/deadline.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import type { Answer } from "../../../drivers/snmp/dialect.ts";
import { memoryOf } from "../../../drivers/snmp/learnt.ts";
import type { Requester } from "../../../drivers/snmp/requester.ts";
import { rowsMax, walker } from "../../../drivers/snmp/walker.ts";
import { env } from "./peer.ts";

/** 20,000 agents that answer a walk with whatever they like: it ends, with what they said or with why not. */

const root = "1.3.6.1.4.1.99999.4.1";
const arc = fc.nat(3);
const oid = fc.oneof(
  fc.array(arc, { minLength: 1, maxLength: 3 }).map((index) => [root, 2, ...index].join(".")),
  fc.array(arc, { minLength: 1, maxLength: 3 }).map((index) => [root, 3, ...index].join(".")),
  fc.array(arc, { minLength: 1, maxLength: 9 }).map((arcs) => ["1.3.6.1", ...arcs].join(".")),
  fc.constant(`${root}.2`),
);
const element = fc
  .tuple(fc.constantFrom(...Object.values(ber.tags), 0x99), fc.uint8Array({ maxLength: 4 }))
  .map(([tag, octets]) => ({ tag, content: Buffer.from(octets) }));
const bindings = fc.array(fc.record({ oid, value: element }), { maxLength: 8 });
const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 8, arbitrary: bindings.map((all): Answer => ({ kind: "bindings", bindings: all })) },
  { weight: 8, arbitrary: fc.nat(3).map((from) => ascending(from)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(6), fc.option(oid, { nil: undefined }))
      .map(([status, blamed]): Answer => ({ kind: "refused", status, detail: "refused", oid: blamed })),
  },
  { weight: 1, arbitrary: fc.constant<Answer>({ kind: "fault", fault: "timeout", detail: "no answer" }) },
);

/** Rows as they should come. */
const ascending = (from: number): Answer => ({
  kind: "bindings",
  bindings: [2, 3].map((column) => ({ oid: `${root}.${column}.${from}`, value: ber.integer(from) })),
});

/** Time passes with each request, so that a deadline comes. */
function agent(answers: readonly Answer[], most: number) {
  let asked = 0;
  const deadline = (requests: number): Deadline => ({
    leftMs: () => requests - asked,
    isLate: () => false,
    half: () => deadline((requests + asked) / 2),
  });
  const requester: Requester = {
    async ask({ by }) {
      const late: Answer = { kind: "fault", fault: "timeout", detail: "no time left" };
      const next = by.leftMs() <= 0 ? late : (answers[asked % answers.length] as Answer);
      asked++;
      return next;
    },
    close() {},
  };
  return { requester, by: deadline(most), asked: () => asked };
}

test("whatever comes, a walk ends with increasing OIDs of its columns, or with a fault", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      async (answers, most) => {
        const { requester, by, asked } = agent(answers, 50);
        const columns = [`${root}.2`, `${root}.3`];
        const walked = await walker(requester, memoryOf(undefined, most, env).known).walk(columns, by);
        expect(asked()).toBeLessThan(120);
        if (walked.kind === "fault") return void expect(walked.detail).not.toBe("");
        expect(walked.table.size).toBeLessThanOrEqual(rowsMax);
        for (const row of walked.table.values()) {
          for (const column of row.keys()) expect(columns).toContain(column);
        }
      },
    ),
    { numRuns: 20_000, seed: 7 },
  );
}, 120_000);
