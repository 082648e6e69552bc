import { describe, expect, test } from "vitest";
import { device, type Held, hex } from "./device.ts";

/** What objects a simulated device serves, in the octets that go over the wire; those of ASHRAE 135, annex F, where it has them. */

const text = (words: string): string => Buffer.from(words).toString("hex");
const input = (instance: number) => ({ object: "analog-input", instance });
const readProperty = (object: string, property: string) => `0005 01 0c 0c${object} 19${property}`;

describe("as the standard's examples have it", () => {
  test("F.3.5: ReadProperty of a present-value", () => {
    const { ask } = device([[input(5), 72.3]]);
    expect(ask("0000 010c 0c00000005 1955")).toBe("30010c0c0000000519553e444290999a3f");
  });

  test("F.3.7: ReadPropertyMultiple of a present-value and a reliability", () => {
    const { ask } = device([[input(16), 72.3]]);
    expect(ask("0004 f10e 0c00000010 1e 0955 0967 1f")).toBe("30f10e0c000000101e29554e444290999a4f29674e91004f1f");
  });

  test("F.4: Who-Has by name and by identifier, Who-Is", () => {
    const { ask } = device([[input(3), 1]], { instance: 8, ids: ["OATemp"] });
    const iHave = `1001c402000008c4000000037507 00${text("OATemp")}`.replace(" ", "");
    expect(ask("1007 3d07004f4154656d70")).toBe(iHave);
    expect(ask("1007 2c00000003")).toBe(iHave);
    expect(ask("1007 0908 1908 2c00000003")).toBe(iHave);
    expect(ask("1008 0903 1909")).toBe("1000c40200000822" + "05c4" + "9103" + "2100");
    for (const asked of [
      "1007 2c00000004",
      "1007 3d0500414243ff",
      "1007 0909 1909 2c00000003",
      "1008 0903 1907",
      "1008 0903",
    ])
      expect(ask(asked)).toBe("");
  });
});

describe("properties of an object", () => {
  test.each<[what: string, held: Held, property: string, value: string]>([
    ["object-name, of its first point", [[input(1), 1]], "4d", `7508 00${text("point 0")}`],
    ["object-type", [[input(1), 1]], "4f", "9100"],
    ["description", [[input(1), 1]], "1c", `7508 00${text("point 0")}`],
    ["units, none known", [[input(1), 1]], "75", "915f"],
    ["cov-increment: any change", [[input(1), 1]], "16", "4400000000"],
    ["reliability, none told", [[input(1), 1]], "67", "9100"],
    ["event-state, none told", [[input(1), 1]], "24", "9100"],
    ["out-of-service, none told", [[input(1), 1]], "51", "10"],
    ["status-flags of what is well", [[input(1), 1]], "6f", "820400"],
    ["a time-delay", [[{ ...input(1), property: "time-delay" }, 300]], "71", "22012c"],
    ["a deadband", [[{ ...input(1), property: "deadband" }, 0.5]], "19", "443f000000"],
    ["units as a point", [[{ ...input(1), property: "units" }, 62]], "75", "913e"],
    ["what is told of events", [[{ ...input(1), property: "event-enable" }, 5]], "23", "8205a0"],
  ])("%s", (_, held, property, value) => {
    const { ask } = device(held);
    const octets = value.replaceAll(" ", "");
    expect(ask(readProperty("00000001", property))).toBe(`30010c0c0000000119${property}3e${octets}3f`);
  });

  const of = (property: string) => ({ object: "binary-value", instance: 2, property });
  test.each<[what: string, held: Held, flags: string]>([
    [
      "in alarm, for it has an event-state",
      [
        [of("present-value"), 1],
        [of("event-state"), 2],
      ],
      "80",
    ],
    [
      "fault, for its reliability is not 0",
      [
        [of("present-value"), 1],
        [of("reliability"), 7],
      ],
      "40",
    ],
    [
      "out of service",
      [
        [of("present-value"), 1],
        [of("out-of-service"), 1],
      ],
      "10",
    ],
    [
      "all of them",
      [
        [of("reliability"), 1],
        [of("out-of-service"), 1],
        [of("event-state"), 1],
      ],
      "d0",
    ],
    [
      "well, as it says",
      [
        [of("reliability"), 0],
        [of("out-of-service"), 0],
        [of("event-state"), 0],
      ],
      "00",
    ],
  ])("status-flags: %s", (_, held, flags) => {
    expect(device(held).ask(readProperty("01400002", "6f"))).toBe(`30010c0c01400002196f3e8204${flags}3f`);
  });

  test("what a profile says of a point its object says too", () => {
    const words = { name: "Supply", unit: "Cel", texts: {} };
    const { ask } = device([[input(1), 1]], { describe: () => words });
    expect(ask(readProperty("00000001", "1c"))).toContain(text("Supply"));
    expect(ask(readProperty("00000001", "75"))).toContain("3e913e3f"); // degrees Celsius
  });

  test("texts of states, and how many there are", () => {
    const describe = () => ({ name: "Mode", unit: "1", texts: { 1: "off", 3: "on" } });
    const { ask } = device([[{ object: "multi-state-value", instance: 1 }, 3]], { describe });
    const read = (property: string) => ask(`0005 01 0c 0c04c00001 19${property}`);
    expect(read("4a")).toContain("3e21033f");
    expect(read("6e")).toContain(`3e7400${text("off")}71007300${text("on")}3f`);
    expect(read("6e 2903")).toContain(`29033e7300${text("on")}3f`);
    expect(read("6e 2900")).toContain("29003e21033f");
    expect(read("6e 2904")).toBe("50010c9102912a"); // property: invalid-array-index
    const binary = device([[{ object: "binary-input", instance: 1 }, 1]], {
      describe: () => ({ name: "Unit", unit: "1", texts: { 0: "stopped", 1: "running" } }),
    });
    expect(binary.ask(readProperty("00c00001", "2e"))).toContain(text("stopped"));
    expect(binary.ask(readProperty("00c00001", "04"))).toContain(text("running"));
  });

  test("differences of whole numbers have no sign", () => {
    const whole = { object: "integer-value", instance: 1 };
    const { ask } = device([
      [whole, -3],
      [{ ...whole, property: "deadband" }, 200],
    ]);
    const read = (property: string) => ask(`0005 01 0c 0c0b400001 19${property}`);
    expect(read("55")).toContain("3e31fd3f");
    expect(read("19")).toContain("3e21c83f");
    expect(read("16")).toContain("3e21003f");
  });

  test("priorities of a command: sixteen, and what holds without one", () => {
    const output = { object: "analog-output", instance: 1 };
    const free = device([[output, 50]]);
    const read = (one: typeof free, property: string) => one.ask(`0005 01 0c 0c00400001 19${property}`);
    expect(read(free, "57")).toContain(`3e${"00".repeat(16)}3f`);
    expect(read(free, "68")).toContain("3e44424800003f"); // relinquish-default
    const commanded = device([
      [output, 50],
      [{ ...output, property: "priority-array", index: 8 }, 50],
    ]);
    expect(read(commanded, "57")).toContain(`3e${"00".repeat(7)}4442480000${"00".repeat(8)}3f`);
    expect(read(commanded, "57 2908")).toContain("29083e44424800003f");
    expect(read(commanded, "57 2907")).toContain("29073e003f");
    expect(read(commanded, "57 2911")).toBe("50010c9102912a");
    commanded.set(1, null);
    expect(read(commanded, "57 2908")).toBe("50010c9102912a");
  });

  test("objects and properties of a maker's own", () => {
    const { ask } = device([
      [{ object: 200, instance: 1 }, 2],
      [{ ...input(1), property: 600 }, 3],
    ]);
    expect(ask("0005 01 0c 0c32000001 1955")).toContain("3e44400000003f");
    expect(ask("0005 01 0c 0c00000001 1a0258")).toBe("30010c0c000000011a02583e44404000003f");
  });
});

test.each([
  ["an object that it has not", "0c00000009 1955", "9101911f"], // object: unknown-object
  ["a property that it has not", "0c00000001 1a01f4", "91029120"], // property: unknown-property
  ["an element of what is no array", "0c00000001 1955 2901", "91029132"], // property-is-not-an-array
])("ReadProperty of %s is an Error", (_, asked, error) => {
  expect(device([[input(1), 1]]).ask(`0005 07 0c ${asked}`)).toBe(`50070c${error}`);
});

test("what a point says nothing of is a property that the object has not", () => {
  const { ask, set } = device([
    [input(1), 1],
    [{ ...input(1), property: "reliability" }, 0],
  ]);
  expect(ask(readProperty("00000001", "67"))).toContain("3e91003f");
  set(1, null);
  expect(ask(readProperty("00000001", "67"))).toBe("50010c91029120");
  set(0, null);
  expect(ask(readProperty("00000001", "67"))).toBe("50010c9101911f");
});

test("an answer may be as long as the requester takes, not an octet longer", () => {
  const nameOf = (length: number) => device([[input(1), 1]], { ids: ["x".repeat(length)] });
  const upTo50 = "0000 01 0c 0c00000001 194d";
  expect(nameOf(35).ask(upTo50)).toHaveLength(2 * 50);
  expect(nameOf(36).ask(upTo50)).toBe("710104"); // segmentation-not-supported
});

test.each([
  ["a service that is none", "0005 07 63", "600709"],
  ["a write", "0005 07 0f 0c00000001 1955 3e44000000003f", "600709"],
  ["ReadProperty without a property", "0005 07 0c 0c00000001", "600705"],
  ["ReadProperty with more than it takes", "0005 07 0c 0c00000001 1955 2901 3901", "600705"],
  ["ReadPropertyMultiple of nothing", "0005 07 0e", "600705"],
  ["GetEventInformation after what is no object", "0005 07 1d 0901", "600705"],
  ["SubscribeCOV without an object", "0005 07 05 0901", "600705"],
  ["a request in segments", "0d05 07 00 10 0e 0c00000001", "710704"],
])("%s is refused", (_, request, refusal) => {
  expect(device([[input(1), 1]]).ask(request)).toBe(refusal);
});

describe("ReadPropertyMultiple of several properties by one name", () => {
  const { ask } = device([[{ object: "analog-output", instance: 1 }, 1]]);
  const propertiesOf = (object: string, which: string): number[] => {
    const answer = hex(ask(`0005 01 0e 0c${object} 1e 09${which} 1f`));
    const found: number[] = [];
    // A property's identifier is the only tag 2 of one octet; of a value that looks like one there is none here.
    for (let at = 9; at < answer.length; at++)
      if (answer[at] === 0x29 && answer[at + 2] === 0x4e) found.push(answer[at + 1]!);
    return found;
  };
  const required = [36, 75, 77, 79, 81, 85, 87, 104, 111, 117];
  const optional = [22, 28, 103];
  test.each([
    ["ALL", "08", [...required, ...optional]],
    ["REQUIRED", "69", required],
    ["OPTIONAL", "50", optional],
  ])("%s", (_, which, expected) => {
    expect(propertiesOf("00400001", which).toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
  });

  test("of an object that it has not, an Error in its place", () => {
    expect(ask("0005 01 0e 0c00000009 1e 0908 1f 0c00400001 1e 0955 1f")).toBe(
      "30010e0c000000091e29085e9101911f5f1f0c004000011e29554e443f8000004f1f",
    );
  });

  test("property-list names them, without those that each object has", () => {
    const list = ask("0005 01 0c 0c00400001 1a0173");
    expect(list).toMatch(/3e(91..)+3f$/);
    const listed = [...list.slice(list.indexOf("3e") + 2, -2).matchAll(/91(..)/g)].map(([, one]) => Number(`0x${one}`));
    expect(listed.toSorted((a, b) => a - b)).toEqual(
      [...required, ...optional].filter((one) => ![75, 77, 79].includes(one)).toSorted((a, b) => a - b),
    );
  });
});

describe("the device object", () => {
  const { ask } = device(
    [
      [input(1), 1],
      [input(7), 1],
      [input(8), null],
      [{ object: 200, instance: 1 }, 1],
    ],
    { instance: 12 },
  );
  const read = (property: string, object = "0200000c") => ask(readProperty(object, property));
  test.each([
    ["its objects as a whole", "4c", `3ec40200000cc400000001c400000007c4320000013f`],
    ["how many", "4c 2900", "3e21043f"],
    ["the third", "4c 2903", "3ec4000000073f"],
    ["services that it answers", "61", "3e850707 140a00006100 3f"], // 3, 5, 12, 14, 33, 34, 39
    ["types of objects: analog-input, device", "60", "3e850801 80800000000000 3f"],
    ["the longest APDU", "3e", "3e2205c43f"],
  ])("tells %s", (_, property, value) => {
    expect(read(property)).toContain(value.replaceAll(" ", ""));
  });

  test("is asked by the instance that means any device, too, and says its own", () => {
    expect(read("4b", "023fffff")).toBe("30010c0c0200000c194b3ec40200000c3f");
  });

  test("has what the standard requires", () => {
    const answer = ask("0005 01 0e 0c0200000c 1e 0969 1f");
    for (const property of [75, 77, 79, 112, 121, 120, 70, 44, 12, 98, 139, 97, 96, 76, 62, 107, 11, 73, 30, 155])
      expect(answer).toContain(`29${property.toString(16).padStart(2, "0")}4e`);
    expect(answer).not.toContain("5e9102"); // no error among them
  });
});
