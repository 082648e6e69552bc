import { expect, test } from "vitest";
import { type HeardTrap, trapMemory } from "../../../agent/pipeline/trap-memory.ts";

/** What is kept of the traps that came, and what goes when there are many. */

const heard = (source: string, trap: string, change: Partial<HeardTrap> = {}): HeardTrap => ({
  ...{ source, trap, by: "trap, SNMPv2c", bindings: [], name: null, devices: [] },
  ...change,
});
const about = (index: number, text = "") => ({ bindings: [{ name: `1.3.6.1.4.1.9.${index}`, text }] });

test("those that are alike are one, with a count, when, and what the newest says; the newest come first", () => {
  const memory = trapMemory();
  memory.note(heard("10.0.0.1", "1.2", about(7, "first")), 1000);
  memory.note(heard("10.0.0.1", "1.2", about(8)), 2000);
  memory.note(heard("10.0.0.1", "1.2", about(7, "last")), 3000);
  memory.note(heard("10.0.0.2", "1.2", about(7)), 4000);
  memory.note(heard("10.0.0.1", "1.3", about(7)), 5000);
  expect(
    memory.all().map(({ source, trap, count, firstAt, lastAt }) => [source, trap, count, firstAt, lastAt]),
  ).toEqual([
    ["10.0.0.1", "1.3", 1, 5000, 5000],
    ["10.0.0.2", "1.2", 1, 4000, 4000],
    ["10.0.0.1", "1.2", 2, 1000, 3000],
    ["10.0.0.1", "1.2", 1, 2000, 2000],
  ]);
  expect(memory.all()[2]).toMatchObject(about(7, "last"));
});

test("a source that has many loses its own oldest, nobody else's", () => {
  const memory = trapMemory();
  memory.note(heard("10.0.0.2", "1.2"), 0);
  for (let index = 0; index < 1000; index++) memory.note(heard("10.0.0.1", "1.2", about(index)), index + 1);
  expect(memory.all().length).toBe(61);
  expect(memory.forgotten).toBe(940);
  expect(memory.all()[0]).toMatchObject(about(999));
  expect(memory.all().at(-1)).toMatchObject({ source: "10.0.0.2" });
});

test("of many sources strangers go first, then the oldest", () => {
  const memory = trapMemory();
  const device = (nth: number) => heard(`10.0.1.${nth}`, "1.2", { devices: [`d${nth}`] });
  for (let nth = 0; nth < 100; nth++) memory.note(device(nth), nth);
  for (let nth = 0; nth < 1000; nth++) memory.note(heard(`10.1.${nth >> 8}.${nth & 255}`, "1.2"), 100 + nth);
  expect(memory.all().filter(({ devices }) => devices.length > 0).length).toBe(100);
  expect(memory.all().length).toBe(300);
  for (let nth = 100; nth < 1100; nth++) memory.note(device(nth), 2000 + nth);
  expect(memory.all().length).toBe(300);
  expect(memory.all().every(({ devices }) => devices.length > 0)).toBe(true);
  expect(memory.all()[0]).toMatchObject({ devices: ["d1099"] });
});
