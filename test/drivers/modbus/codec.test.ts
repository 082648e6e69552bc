import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../../drivers/modbus/codec.ts";
import {
  type Address,
  addressSchema,
  meantBy,
  type Order,
  placeOf,
  type Table,
  widthOf,
} from "../../../drivers/modbus/schema.ts";

const holding = (some: Partial<Address> = {}): Address =>
  addressSchema.parse({ table: "holding", register: 0, ...some });
const orders = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
const types = ["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bcd16", "bcd32"] as const;
type Type = (typeof types)[number];

describe("decode", () => {
  test.for<[Type, Order, number[], number]>([
    ["u16", "ABCD", [0xfffe], 65534],
    ["u16", "CDAB", [0x0102], 0x0102],
    ["u16", "BADC", [0x0102], 0x0201],
    ["u16", "DCBA", [0x0102], 0x0201],
    ["s16", "ABCD", [0xfffe], -2],
    ["u32", "ABCD", [0x0102, 0x0304], 0x01020304],
    ["u32", "CDAB", [0x0304, 0x0102], 0x01020304],
    ["u32", "BADC", [0x0201, 0x0403], 0x01020304],
    ["u32", "DCBA", [0x0403, 0x0201], 0x01020304],
    ["u32", "ABCD", [0xffff, 0xffff], 4294967295],
    ["s32", "ABCD", [0xffff, 0xffff], -1],
    ["s32", "CDAB", [0x2efe, 0xffff], -53506],
    ["f32", "ABCD", [0x41ac, 0x0000], 21.5],
    ["f32", "CDAB", [0x0000, 0x41ac], 21.5],
    ["f32", "BADC", [0xac41, 0x0000], 21.5],
    ["f32", "DCBA", [0x0000, 0xac41], 21.5],
    // Exactly the float: 0.1 as f32 is not the number 0.1.
    ["f32", "ABCD", [0x3dcc, 0xcccd], 0.10000000149011612],
    ["f64", "ABCD", [0x3fb9, 0x9999, 0x9999, 0x999a], 0.1],
    ["f64", "DCBA", [0x9a99, 0x9999, 0x9999, 0xb93f], 0.1],
    ["u64", "ABCD", [0x0000, 0x0001, 0x0000, 0x0002], 4294967298],
    ["u64", "CDAB", [0x0002, 0x0000, 0x0001, 0x0000], 4294967298],
    ["u64", "ABCD", [0x001f, 0xffff, 0xffff, 0xffff], Number.MAX_SAFE_INTEGER],
    ["s64", "ABCD", [0xffff, 0xffff, 0xffff, 0xfffe], -2],
    ["s64", "ABCD", [0xffe0, 0x0000, 0x0000, 0x0001], Number.MIN_SAFE_INTEGER],
  ])("%s %s of %j", ([type, order, registers, value]) => {
    expect(decode(holding({ type, order }), registers)).toEqual({ value });
  });

  // Every type in every order; registers packed by Python's struct module, not by this codec.
  test.for<[Type, Order, number[], number]>([
    ["u16", "ABCD", [0xcafe], 51966],
    ["u16", "CDAB", [0xcafe], 51966],
    ["u16", "BADC", [0xfeca], 51966],
    ["u16", "DCBA", [0xfeca], 51966],
    ["s16", "ABCD", [0xcfc7], -12345],
    ["s16", "CDAB", [0xcfc7], -12345],
    ["s16", "BADC", [0xc7cf], -12345],
    ["s16", "DCBA", [0xc7cf], -12345],
    ["u32", "ABCD", [0xcafe, 0xbabe], 3405691582],
    ["u32", "CDAB", [0xbabe, 0xcafe], 3405691582],
    ["u32", "BADC", [0xfeca, 0xbeba], 3405691582],
    ["u32", "DCBA", [0xbeba, 0xfeca], 3405691582],
    ["s32", "ABCD", [0xb669, 0xfd2e], -1234567890],
    ["s32", "CDAB", [0xfd2e, 0xb669], -1234567890],
    ["s32", "BADC", [0x69b6, 0x2efd], -1234567890],
    ["s32", "DCBA", [0x2efd, 0x69b6], -1234567890],
    ["u64", "ABCD", [0x0012, 0x3456, 0x789a, 0xbcde], 5124095576030430],
    ["u64", "CDAB", [0xbcde, 0x789a, 0x3456, 0x0012], 5124095576030430],
    ["u64", "BADC", [0x1200, 0x5634, 0x9a78, 0xdebc], 5124095576030430],
    ["u64", "DCBA", [0xdebc, 0x9a78, 0x5634, 0x1200], 5124095576030430],
    ["s64", "ABCD", [0xffe0, 0x0000, 0x0000, 0x0001], -9007199254740991],
    ["s64", "CDAB", [0x0001, 0x0000, 0x0000, 0xffe0], -9007199254740991],
    ["s64", "BADC", [0xe0ff, 0x0000, 0x0000, 0x0100], -9007199254740991],
    ["s64", "DCBA", [0x0100, 0x0000, 0x0000, 0xe0ff], -9007199254740991],
    ["f32", "ABCD", [0xc0c8, 0x0000], -6.25],
    ["f32", "CDAB", [0x0000, 0xc0c8], -6.25],
    ["f32", "BADC", [0xc8c0, 0x0000], -6.25],
    ["f32", "DCBA", [0x0000, 0xc8c0], -6.25],
    ["f64", "ABCD", [0x4048, 0xfe6b, 0x74f0, 0x6fa6], 49.98765432109876],
    ["f64", "CDAB", [0x6fa6, 0x74f0, 0xfe6b, 0x4048], 49.98765432109876],
    ["f64", "BADC", [0x4840, 0x6bfe, 0xf074, 0xa66f], 49.98765432109876],
    ["f64", "DCBA", [0xa66f, 0xf074, 0x6bfe, 0x4840], 49.98765432109876],
    ["bcd16", "ABCD", [0x9075], 9075],
    ["bcd16", "CDAB", [0x9075], 9075],
    ["bcd16", "BADC", [0x7590], 9075],
    ["bcd16", "DCBA", [0x7590], 9075],
    ["bcd32", "ABCD", [0x2026, 0x8117], 20268117],
    ["bcd32", "CDAB", [0x8117, 0x2026], 20268117],
    ["bcd32", "BADC", [0x2620, 0x1781], 20268117],
    ["bcd32", "DCBA", [0x1781, 0x2620], 20268117],
  ])("%s %s of %j, packed elsewhere", ([type, order, registers, value]) => {
    expect(decode(holding({ type, order }), registers)).toEqual({ value });
    expect(encode(holding({ type, order }), value)).toEqual(registers);
  });

  test.for<[number, number, Order, number, number]>([
    [0, 16, "ABCD", 0xfedc, 0xfedc],
    [0, 4, "ABCD", 0xfedc, 0xc],
    [12, 4, "ABCD", 0xfedc, 0xf],
    [4, 8, "ABCD", 0xfedc, 0xed],
    [4, 8, "BADC", 0xfedc, 0xcf],
    [15, 1, "ABCD", 0x7fff, 0],
  ])("from bit %d, %d bits, %s", ([bit, bits, order, register, value]) => {
    expect(decode(holding({ bit, bits, order }), [register])).toEqual({ value });
  });

  test.for<[number, Order, number, number]>([
    [0, "ABCD", 0x0001, 1],
    [15, "ABCD", 0x8000, 1],
    [15, "ABCD", 0x7fff, 0],
    [0, "BADC", 0x0100, 1],
    [8, "ABCD", 0x0100, 1],
    [7, "ABCD", 0xff7f, 0],
  ])("bit %d %s", ([bit, order, register, value]) => {
    expect(decode(holding({ bit, order }), [register])).toEqual({ value });
  });

  test.for(["coil", "discrete"] as const)("a %s is 0 or 1", (table) => {
    const address = addressSchema.parse({ table, register: 0 });
    expect([0, 1].map((bit) => decode(address, [bit]))).toEqual([{ value: 0 }, { value: 1 }]);
  });

  test.for<[string, Partial<Address>, number[], string]>([
    ["the NaN of a float", { type: "f32" }, [0xffc0, 0], "not_finite"],
    ["infinity", { type: "f32" }, [0x7f80, 0], "not_finite"],
    ["the NaN of a double", { type: "f64" }, [0x7ff8, 0, 0, 0], "not_finite"],
    ["2^53", { type: "u64" }, [0x0020, 0, 0, 0], "implausible"],
    ["all ones", { type: "u64" }, [0xffff, 0xffff, 0xffff, 0xffff], "implausible"],
    ["-2^53", { type: "s64" }, [0xffe0, 0, 0, 0], "implausible"],
    ["a decimal with a digit that is none", { type: "bcd16" }, [0x1a00], "implausible"],
    ["all ones as decimals", { type: "bcd32" }, [0xffff, 0xffff], "implausible"],
    ["no registers", {}, [], "bad_reply"],
    ["half a value", { type: "f32" }, [0x41ac], "bad_reply"],
  ])("%s is a fault", ([, address, registers, fault]) => {
    expect(decode(holding(address), registers)).toEqual({ fault, detail: expect.stringMatching(/./) });
  });
});

describe("encode", () => {
  test.for<[Type, number, number]>([
    ["u16", 65536, 65535],
    ["u16", -1, 0],
    ["u16", 1.5, 2],
    ["s16", 40000, 32767],
    ["s16", -40000, -32768],
    ["u32", 1e12, 4294967295],
    ["s32", Number.NEGATIVE_INFINITY, -2147483648],
    ["u16", Number.POSITIVE_INFINITY, 65535],
    ["u64", -5, 0],
    ["s16", Number.NaN, 0],
    ["bcd16", 10_000, 9999],
    ["bcd16", -1, 0],
    ["bcd32", 12345.4, 12345],
    ["bcd32", Number.POSITIVE_INFINITY, 99_999_999],
  ])("a %s of %d is %d, the nearest it can be", ([type, value, nearest]) => {
    expect(decode(holding({ type }), encode(holding({ type }), value))).toEqual({ value: nearest });
  });

  test.for(orders)("a bit keeps the others, %s", (order) => {
    const status = holding({ order });
    const held = encode(status, 0b1010_0000_0000_0101);
    expect(decode(status, encode(holding({ order, bit: 1 }), 1, held))).toEqual({ value: 0b1010_0000_0000_0111 });
    expect(decode(status, encode(holding({ order, bit: 15 }), 0, held))).toEqual({ value: 0b0010_0000_0000_0101 });
  });
});

test("a field keeps the other bits, and takes no more than it can hold", () => {
  const field = holding({ bit: 4, bits: 3 });
  expect(encode(field, 5, [0xff8f])).toEqual([0xffdf]);
  expect(encode(field, 99, [0x0001])).toEqual([0x0071]);
});

test.for<[Partial<Address> & { table?: Table }, string]>([
  [{ bits: 3 }, "expected the lowest of them, too, as bit"],
  [{ bit: 14, bits: 3 }, "a register has 16 bits; expected at most 2 from bit 14 upwards"],
  [{ table: "coil", bit: 0, bits: 3 }, "a coil is a single bit; expected this to be left out"],
  [
    { register: 65535, type: "u32" },
    "a value from holding 65535 (465536) reaches beyond register 65535; expected a lower one",
  ],
])("%j is refused", ([some, what]) => {
  const result = addressSchema.safeParse({ table: "holding", register: 0, ...some });
  expect(result.error?.issues.map(({ message }) => message)).toContain(what);
});

test.for<[Table, number, string, string | null]>([
  ["holding", 107, "holding 107 (40108)", null],
  ["input", 0, "input 0 (30001)", null],
  ["discrete", 9998, "discrete 9998 (19999)", null],
  ["coil", 9999, "coil 9999 (010000)", null],
  ["holding", 65535, "holding 65535 (465536)", null],
  ["holding", 40108, "holding 40108 (440109)", "holding 107 (40108)"],
  ["input", 30001, "input 30001 (330002)", "input 0 (30001)"],
  ["discrete", 19999, "discrete 19999 (120000)", "discrete 9998 (19999)"],
  ["holding", 30001, "holding 30001 (430002)", null],
])("%s %d is shown as manuals count, too", ([table, register, shown, meant]) => {
  expect(placeOf({ table, register })).toBe(shown);
  expect(meantBy({ table, register })).toBe(meant);
});

const arbitraryOf: Readonly<Record<Type, fc.Arbitrary<number>>> = {
  u16: fc.integer({ min: 0, max: 0xffff }),
  s16: fc.integer({ min: -0x8000, max: 0x7fff }),
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  s32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  u64: fc.maxSafeNat(),
  s64: fc.maxSafeInteger(),
  f32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  f64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bcd16: fc.integer({ min: 0, max: 9999 }),
  bcd32: fc.integer({ min: 0, max: 99_999_999 }),
};

describe.each(types)("any %s", (type) => {
  test.each(orders)("comes back from its registers, %s", (order) => {
    const address = holding({ type, order });
    void fc.assert(
      fc.property(arbitraryOf[type], (value) => {
        const registers = encode(address, value);
        expect(registers).toHaveLength(widthOf(address));
        for (const register of registers) expect(register & 0xffff).toBe(register);
        expect(decode(address, registers)).toEqual({ value });
      }),
    );
  });

  test.each(orders)("nothing throws, %s", (order) => {
    const address = holding({ type, order });
    void fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }), fc.double(), (registers, value) => {
        const decoded = decode(address, registers);
        if ("value" in decoded) expect(decoded.value).toSatisfy(Number.isFinite);
        else expect(["not_finite", "implausible", "bad_reply"]).toContain(decoded.fault);
        expect(encode(address, value)).toHaveLength(widthOf(address));
      }),
    );
  });
});
