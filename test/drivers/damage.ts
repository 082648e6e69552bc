import fc from "fast-check";

/** What may happen to a datagram on its way, or be done to it on purpose. */
export type Edit = (datagram: Buffer) => Buffer;
const at = fc.nat(0xffff);
const octets = fc.uint8Array({ minLength: 1, maxLength: 6 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(at, fc.nat(7)).map(([at, bit]) => spliced(at, 1, (old) => [(old[0] ?? 0) ^ (1 << bit)])),
  fc
    .tuple(at, fc.constantFrom(0, 1, 0x7f, 0x80, 0x84, 0xa2, 0xa8, 0xff))
    .map(([at, set]) => spliced(at, 1, () => [set])),
  fc.tuple(at, octets).map(([at, more]) => spliced(at, 0, () => [...more])),
  fc.tuple(at, fc.nat(20)).map(([at, gone]) => spliced(at, gone, () => [])),
  fc.tuple(at, fc.nat(30)).map(([at, twice]) => spliced(at, twice, (old) => [...old, ...old])),
  at.map((at) => (datagram: Buffer) => datagram.subarray(0, at % (datagram.length + 1))),
);
export const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
export const damaged = (datagram: Buffer, all: readonly Edit[]): Buffer => all.reduce((was, one) => one(was), datagram);

function spliced(at: number, count: number, by: (old: Buffer) => number[]): Edit {
  return (datagram) => {
    const from = at % (datagram.length + 1);
    const old = datagram.subarray(from, from + count);
    return Buffer.concat([datagram.subarray(0, from), Buffer.from(by(old)), datagram.subarray(from + old.length)]);
  };
}
