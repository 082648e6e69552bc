import { expect, test } from "vitest";
import { mistaken } from "../../../drivers/bacnet/finding/mistaken.ts";
import { units } from "../../../drivers/bacnet/finding/told-units.ts";
import { address } from "../../../drivers/bacnet/schema.ts";

const at = (written: object) => address.parse(written);

test.each<[object, readonly string[]]>([
  [{ object: "analog-input", instance: 3 }, ["analog-output", "analog-value"]],
  [{ object: "binary-value", instance: 3 }, ["binary-input", "binary-output"]],
  [{ object: "multi-state-output", instance: 3, property: "reliability" }, ["multi-state-input", "multi-state-value"]],
  [{ object: "accumulator", instance: 3 }, []],
  [{ object: 200, instance: 3 }, []],
  [{ events: "active" }, []],
])("%j may be %j", (written, objects) => {
  const expected = objects.map((object) => at({ ...written, object }));
  expect(mistaken(at(written)).map(({ address }) => address)).toEqual(expected);
});

test("one mistake is told in the same words of each object", () => {
  const words = ["analog-input", "binary-input"].map((object) => mistaken(at({ object, instance: 3 })));
  expect(words[0]?.map(({ mistake }) => mistake)).toEqual(words[1]?.map(({ mistake }) => mistake));
});

test.each<[object, boolean]>([
  [{ object: "analog-value", instance: 3, cov: true }, true],
  [{ object: "accumulator", instance: 3 }, true],
  [{ object: "binary-input", instance: 3 }, false],
  [{ object: "multi-state-value", instance: 3 }, false],
  [{ object: "analog-value", instance: 3, property: "high-limit" }, false],
  [{ events: "active" }, false],
])("whether the unit of %j is told: %s", (written, isTold) => {
  const expected = isTold ? at({ ...written, cov: false, property: "units" }) : null;
  expect(units.at(at(written))).toEqual(expected);
});
