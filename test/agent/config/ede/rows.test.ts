import fc from "fast-check";
import { expect, test } from "vitest";
import { sheetOf } from "../../../../agent/config/ede/rows.ts";

const utf8 = (text: string) => Buffer.from(text);
/** A row as `line: cell | cell`. */
const shown = (bytes: Uint8Array) => sheetOf(bytes).rows.map(({ line, cells }) => `${line}: ${cells.join(" | ")}`);

const text = "Kälte;°C\n;\n\nö;6,5\n";
test.each([
  ["UTF-8", utf8(text)],
  ["UTF-8 with a mark", utf8(`\uFEFF${text}`)],
  ["Latin-1", Buffer.from(text, "latin1")],
  ["UTF-16 with a mark", Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["CRLF", utf8(text.replaceAll("\n", "\r\n"))],
  ["CR alone", utf8(text.replaceAll("\n", "\r"))],
  ["tabs", utf8(text.replaceAll(";", "\t"))],
  ["blanks around cells", utf8(text.replaceAll(";", " ; "))],
])("%s is read, and lines are counted as an editor does", (_, bytes) => {
  expect(shown(bytes)).toEqual(["1: Kälte | °C", "4: ö | 6,5"]);
});

test("Windows-1252 has more signs than Latin-1", () => {
  expect(shown(Buffer.from([0x80, 0x3b, 0x96, 0x3b, 0xe9]))).toEqual(["1: € | – | é"]);
});

test.each([
  ["a separator in quotation marks", 'a;"b;c";d', ["1: a | b;c | d"]],
  ["a quotation mark in quotation marks", 'a;"12"" pipe"', ['1: a | 12" pipe']],
  ["an inch sign", 'a;12" pipe', ['1: a | 12" pipe']],
  ["a cell of two lines", 'a;"b\nc"\nd;e', ["2: a | b\nc", "3: d | e"]],
  ["rows of different lengths", "a;b;c\nd", ["1: a | b | c", "2: d"]],
  ["commas in descriptions beside semicolons", "a;b, c, d, e\nf;g", ["1: a | b, c, d, e", "2: f | g"]],
  ["decimal commas", "a;1,5;2,5;3,5\nb;1,5;2,5;3,5", ["1: a | 1,5 | 2,5 | 3,5", "2: b | 1,5 | 2,5 | 3,5"]],
  ["commas alone", "a,b\nc,d", ["1: a | b", "2: c | d"]],
  ["nothing", "", []],
])("%s", (_, written, expected) => {
  expect(shown(utf8(written))).toEqual(expected);
  expect(sheetOf(utf8(written)).wrong).toBeNull();
});

test("a quotation mark without end is told with its line, and costs no row", () => {
  const bytes = utf8('a;b\n"c;d\ne;f\n');
  expect(sheetOf(bytes).wrong).toEqual({ line: 2, what: expect.stringMatching(/has no end.*close it with "/) });
  expect(shown(bytes)).toEqual(["1: a | b", '2: "c | d', "3: e | f"]);
});

test("a workbook is told as one", () => {
  const { rows, wrong } = sheetOf(Buffer.from("PK\u0003\u0004…"));
  expect([rows, wrong?.what]).toEqual([[], expect.stringMatching(/workbook .*; save each of its sheets as CSV/)]);
});

test("whatever the bytes are, there are rows of them, in order", () => {
  const pieces = fc.constantFrom(...["a", ";", '"', "\n", "\r", "\t", ",", "#", "\0", "ä", "\uFEFF"].map(utf8));
  const bytes = fc.array(fc.oneof(pieces, fc.uint8Array({ maxLength: 3 })), { maxLength: 40 });
  fc.assert(
    fc.property(bytes, (all) => {
      const lines = sheetOf(Buffer.concat(all)).rows.map(({ line }) => line);
      expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
    }),
    { numRuns: 1000, seed: 7 },
  );
});
