import type { Units } from "../../driver.ts";
import { isDiscrete } from "../object-kinds.ts";
import { isPresentValue } from "../question.ts";
import { type Address, isOfEvents, objectNumber } from "../schema.ts";
import { engineeringUnits } from "../units.ts";

/** An object's own property tells the unit of its present-value; binary ones and those with states have none. */
export const units: Units<Address> = {
  at(address) {
    if (isOfEvents(address) || !isPresentValue(address)) return null;
    return isDiscrete(objectNumber(address)) ? null : { ...address, property: "units", cov: false };
  },
  meaning(number) {
    const { name, ucum, factor } = engineeringUnits.get(number) ?? { ucum: null };
    return ucum === null || ucum === "1" || name === undefined ? null : { name, ucum, factor };
  },
};
