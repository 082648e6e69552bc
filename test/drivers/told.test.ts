import fc from "fast-check";
import { expect, test } from "vitest";
import { textOf, toldMax } from "../../drivers/told.ts";

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

test.each<[string, Buffer, string]>([
  ["plain text", Buffer.from("AP8853"), "AP8853"],
  ["padding", Buffer.from("  AP8853 \0\0\0"), "AP8853"],
  ["UTF-8", Buffer.from("Größe 3"), "Größe 3"],
  ["Latin-1 is not UTF-8", octets("47 72 f6 df 65"), "47:72:f6:df:65"],
  ["an address of a network card", octets("00 c0 b7 a1 b2 c3"), "00:c0:b7:a1:b2:c3"],
  ["a NUL in the middle", octets("41 00 42"), "41:00:42"],
  ["control characters", Buffer.from("A\u001b[31mB\nC"), "A\\u{1b}[31mB\\u{a}C"],
  ["what turns the line around", Buffer.from("A\u202eB"), "A\\u{202e}B"],
  ["a line separator", Buffer.from("A\u2028B"), "A\\u{2028}B"],
  ["nothing", Buffer.alloc(0), ""],
  ["NULs alone", Buffer.alloc(40), ""],
  ["a long text", Buffer.from("x".repeat(5000)), "x".repeat(toldMax)],
])("%s", (_, given, text) => {
  expect(textOf(given)).toBe(text);
});

test("any octets give a bounded text without anything that cannot be seen, the same each time", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (given) => {
      const text = textOf(Buffer.from(given));
      expect([...text].length).toBeLessThanOrEqual(toldMax);
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      expect(textOf(Buffer.from(given))).toBe(text);
    }),
  );
});
