import { describe, expect, test } from "vitest";
import { objectsOf, serverIdQuestion, serverIdText } from "../../../drivers/modbus/identification.ts";
import type { Answer, Question } from "../../../drivers/modbus/question.ts";

/** What a unit tells of itself, put together from its answers. */

/** An answer of a unit: what it goes on with (null: nothing), and its objects. */
type Page = readonly [next: number | null, ...objects: readonly (readonly [number, string])[]];
const bodyOf = ([next, ...objects]: Page, stream: number): Buffer =>
  Buffer.from([
    ...[5, 0x2b, 0x0e, stream, 0x82, next === null ? 0 : 0xff, next ?? 0, objects.length],
    ...objects.flatMap(([id, text]) => [id, text.length, ...Buffer.from(text)]),
  ]);

/** A unit that answers by the object that it is asked for, and what it was asked. */
function unit(pageOf: (object: number) => Page | Answer) {
  const asked: number[] = [];
  return {
    asked,
    async ask({ body, read }: Question): Promise<Answer> {
      const object = body.readUInt8(4);
      asked.push(object);
      const page = pageOf(object);
      return "fault" in page || "data" in page ? page : read(bodyOf(page, body.readUInt8(3)));
    },
  };
}
const textIn = (answer: Answer): string =>
  "fault" in answer ? answer.fault : Buffer.from(answer.data).toString() || "none";

const all: readonly (readonly [number, string])[] = [
  [0, "Maker"],
  [1, "M-1"],
  [2, "1.4"],
  [5, "Meter 1"],
];
/** One an answer; from the first where what was asked for is not there. */
const onePerAnswer = (object: number): Page => {
  const found = Math.max(
    0,
    all.findIndex(([id]) => id === object),
  );
  return [all[found + 1]?.[0] ?? null, all[found]!];
};
const twoPerAnswerFromTheFirst = (object: number): Page =>
  object < 2 ? [2, ...all.slice(0, 2)] : [null, ...all.slice(2)];
const silent: Answer = { fault: "timeout", detail: "no answer" };

describe("an identification over several answers", { concurrent: true }, () => {
  test.each<[string, (object: number) => Page | Answer, number[], string[], number[]]>([
    ["each object asked for by itself", onePerAnswer, [0, 2, 5], ["Maker", "1.4", "Meter 1"], [0, 2, 5]],
    ["what came along is not asked for again", () => [null, ...all], [0, 1, 2, 5], all.map(([, text]) => text), [0]],
    [
      "begun anew whatever is asked: followed to the object",
      (object) => (object === 2 ? twoPerAnswerFromTheFirst(2) : [2, ...all.slice(0, 2)]),
      [5, 1],
      ["Meter 1", "M-1"],
      [5, 2],
    ],
    ["an object that is not there: begun anew, gone through, none", onePerAnswer, [4], ["none"], [4, 1, 2]],
    ["goes on with itself", (object) => [object, [9, "x"]], [5], ["none"], [5, 5]],
    ["goes back", (object) => [object === 1 ? 3 : 1, [9, "x"]], [5], ["none"], [5, 1, 3]],
    [
      "refused in its middle",
      (object) => (object === 5 ? [1, [0, "Maker"]] : silent),
      [5, 0],
      ["timeout", "Maker"],
      [5, 1],
    ],
    ["silent", () => silent, [0], ["timeout"], [0]],
  ])("%s", async (_, pageOf, wanted, texts, questions) => {
    const { asked, ask } = unit(pageOf);
    const objectOf = objectsOf(5, ask);
    const answers: string[] = [];
    for (const object of wanted) answers.push(textIn(await objectOf(object)));
    expect(answers).toEqual(texts);
    expect(asked).toEqual(questions);
  });

  test("one that goes on for ever is left after 16 answers", async () => {
    const { asked, ask } = unit((object) => [object === 255 ? 128 : object + 1, [7, "x"]]);
    expect(textIn(await objectsOf(5, ask)(255))).toBe("none");
    expect(asked).toHaveLength(16);
  });
});

describe("a server id", { concurrent: true }, () => {
  test.each<[string, readonly number[], string]>([
    ["a number, on, a text", [0xb4, 0xff, ...Buffer.from("LMB3.1.10")], "LMB3.1.10"],
    ["the same, off", [0xb4, 0x00, ...Buffer.from("LMB3.1.10")], "LMB3.1.10"],
    ["a text, then on", [...Buffer.from("Pymodbus"), 0xff], "Pymodbus"],
    ["a number that is a letter by chance", [0x41, 0xff, ...Buffer.from("PM5560")], "PM5560"],
    ["several texts, padded", [1, 0xff, ...Buffer.from("Maker \0 M-1  \0\0"), 3], "Maker M-1"],
    ["nothing that can be read, on", [0x09, 0xff], "09"],
    ["nothing that can be read, off", [0x09, 0x00], "09"],
    ["numbers", [0x12, 0xff, 0x34, 0x9c], "12:34:9c"],
    ["blanks", [0x20, 0x20, 0x20, 0xff, 0x05], "20:20:20:05"],
    ["nothing but the run indicator", [0xff], ""],
    ["nothing", [], ""],
  ])("%s", (_, data, text) => {
    expect(serverIdText(data)).toBe(text);
  });

  test("is bounded", () => {
    expect(serverIdText([...Buffer.from("x".repeat(200))])).toHaveLength(128);
  });

  test.each<[string, readonly number[], string | RegExp]>([
    ["right", [5, 17, 3, 9, 255, 65], "9,255,65"],
    ["without anything", [5, 17, 0], ""],
    ["of another unit", [6, 17, 1, 9], /unit 6, asked 5/],
    ["to another function", [5, 3, 1, 9], /function 3, asked 17/],
    ["longer than it says", [5, 17, 1, 9, 9], /1 bytes of data in a frame of length 5/],
    ["shorter than it says", [5, 17, 4, 9], /4 bytes of data in a frame of length 4/],
    ["an exception", [5, 0x91, 1], "exception 1 (illegal function)"],
    ["an exception too long", [5, 0x91, 1, 1], /exception of length 4/],
  ])("%s", (_, bytes, expected) => {
    const { flawOf, read } = serverIdQuestion(5);
    const body = Buffer.from(bytes);
    const flaw = flawOf(body, body.length);
    const answer = flaw === undefined ? read(body) : { fault: "bad_reply", detail: flaw };
    if (typeof expected === "string") expect("data" in answer ? answer.data.join() : answer.detail).toBe(expected);
    else expect("data" in answer ? answer.data : answer.detail).toMatch(expected);
  });

  test.each<[readonly number[], number | null]>([
    [[5, 17, 8], 11],
    [[5, 0x91, 1], 3],
    [[5, 3, 8], null],
    [[5, 17], null],
  ])("the length of %j is told by its byte count", (begun, length) => {
    expect(serverIdQuestion(5).lengthOf(Buffer.from(begun))).toBe(length);
  });
});
