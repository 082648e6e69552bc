import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../../drivers/modbus/codec.ts";
import { type Address, addressSchema, type Order, widthOf } from "../../../drivers/modbus/schema.ts";

const holding = (some: Partial<Address> = {}): Address =>
  addressSchema.parse({ table: "holding", register: 0, ...some });
const orders = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
const types = ["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"] as const;
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

const arbitraryOf: Readonly<Record<Type, fc.Arbitrary<number>>> = {
  u16: fc.integer({ min: 0, max: 0xffff }),
  s16: fc.integer({ min: -0x8000, max: 0x7fff }),
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  s32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  u64: fc.maxSafeNat(),
  s64: fc.maxSafeInteger(),
  f32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  f64: fc.double({ noNaN: true, noDefaultInfinity: true }),
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
