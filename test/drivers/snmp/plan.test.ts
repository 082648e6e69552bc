import fc from "fast-check";
import { expect, test } from "vitest";
import { compareOids, type Point, plan } from "../../../drivers/snmp/plan.ts";
import { bus } from "../../../drivers/snmp/schema.ts";

const on = (maxOids: number) => bus.parse({ host: "192.0.2.1", maxOids });
const point = (id: string, oid: string): Point => ({ id, device: {}, address: { oid } });
const ids = (points: readonly Point[], maxOids: number) =>
  plan(points, on(maxOids)).map((request) => request.points.map(({ id }) => id));

test("sorts arcs as numbers, a parent before its children", () => {
  const oids = ["1.3.6.10.0", "1.3.6.9.0", "1.3.6.9", "1.3.6.9.0.1", "1.3.6.4294967295", "1.3.6.100.0"];
  expect([...oids].sort(compareOids)).toEqual([
    "1.3.6.9",
    "1.3.6.9.0",
    "1.3.6.9.0.1",
    "1.3.6.10.0",
    "1.3.6.100.0",
    "1.3.6.4294967295",
  ]);
});

test("cuts into requests of maxOids", () => {
  const points = [
    point("c", "1.3.3"),
    point("a", "1.3.1"),
    point("e", "1.3.5"),
    point("d", "1.3.4"),
    point("b", "1.3.2"),
  ];
  expect(ids(points, 2)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  expect(ids(points, 5)).toEqual([["a", "b", "c", "d", "e"]]);
  expect(ids([], 5)).toEqual([]);
});

test("two points of one OID are both asked for, in the order of their ids", () => {
  expect(ids([point("b", "1.3.1"), point("a", "1.3.1")], 20)).toEqual([["a", "b"]]);
});

test("whatever the order of the points: the same requests, each point once", () => {
  const oid = fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }).map((arcs) => ["1", "3", ...arcs].join("."));
  const points = fc.array(oid, { maxLength: 30 }).map((oids) => oids.map((oid, at) => point(`p${at}`, oid)));
  const shuffled = points.chain((points) =>
    fc.shuffledSubarray(points, { minLength: points.length }).map((other) => [points, other] as const),
  );
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: 7 }), ([one, other], maxOids) => {
      expect(ids(one, maxOids)).toEqual(ids(other, maxOids));
      expect(ids(one, maxOids).flat().sort()).toEqual(one.map(({ id }) => id).sort());
    }),
  );
});
