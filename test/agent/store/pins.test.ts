import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pinsIn } from "../../../agent/store/pins.ts";
import { openStore } from "../../../agent/store/store.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-pins-"));
  path = join(folder, "store.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const identity = JSON.stringify({ parts: { serial: "AB1" } });
function stored(): void {
  const store = openStore(path, () => "epoch-1");
  store.pin("ups-a", identity);
  store.close();
}

test("tells who the devices were, and leaves the store and its folder as they are", () => {
  stored();
  const [before, names] = [readFileSync(path), readdirSync(folder)];
  expect(pinsIn(path)).toEqual(new Map([["ups-a", identity]]));
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(names);
});

test("beside an agent that has it open it disturbs nobody", () => {
  const store = openStore(path, () => "epoch-1");
  store.pin("ups-a", identity);
  expect([...pinsIn(path).keys()].filter((device) => device !== "ups-a")).toEqual([]);
  store.pin("ups-b", identity);
  expect([...store.pinned().keys()]).toEqual(["ups-a", "ups-b"]);
  store.close();
  expect([...pinsIn(path).keys()]).toEqual(["ups-a", "ups-b"]);
});

test("no store, and one that is none, tell nothing", () => {
  expect(pinsIn(path)).toEqual(new Map());
  writeFileSync(path, "");
  expect(pinsIn(path)).toEqual(new Map());
  writeFileSync(path, "no database");
  expect(pinsIn(path)).toEqual(new Map());
});

test("whatever is damaged in it, it never throws, and what it gives can be read", () => {
  stored();
  const whole = readFileSync(path);
  for (let seed = 1; seed <= 300; seed++) {
    const bytes = Buffer.from(whole);
    for (let times = 0; times < 1 + (seed % 7); times++)
      bytes[(seed * 7919 + times * 104_729) % bytes.length] = (seed * 31 + times * 17) % 256;
    writeFileSync(path, seed % 5 === 0 ? bytes.subarray(0, (seed * 997) % bytes.length) : bytes);
    for (const text of pinsIn(path).values()) expect(typeof JSON.parse(text).parts).toBe("object");
  }
});
