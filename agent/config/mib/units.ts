/** From what a MIB says of a unit, in words, to UCUM and a scale; only what is sure. */
export interface Unit {
  /** UCUM; "1" where nothing is sure. */
  readonly unit: string;
  readonly scale: number;
  /** A name from config/points.yaml, where the unit leaves only one. */
  readonly kind?: string;
}

const units: readonly { readonly words: string; readonly unit: string; readonly kind?: string }[] = [
  { words: "kilowatt[ -]?hours?|kwh", unit: "kW.h", kind: "energy" },
  { words: "watt[ -]?hours?|wh", unit: "W.h", kind: "energy" },
  { words: "kilo ?volt[ -]?amp(ere)?s?|kva", unit: "kV.A", kind: "apparent-power" },
  { words: "volt[ -]?amp(ere)?s?|va", unit: "V.A", kind: "apparent-power" },
  { words: "kilowatts?|kw", unit: "kW", kind: "power" },
  { words: "watts?|w", unit: "W", kind: "power" },
  { words: "millivolts?|mv", unit: "mV", kind: "voltage" },
  { words: "(rms )?volts?( ?(rms|ac|dc))?|vac|vdc|v", unit: "V", kind: "voltage" },
  { words: "milli-?amp(ere)?s?|ma", unit: "mA", kind: "current" },
  { words: "(rms )?amp(ere)?s?( ?(rms|ac|dc))?|a", unit: "A", kind: "current" },
  { words: "hertz|hz", unit: "Hz", kind: "frequency" },
  { words: "(degrees? )?(celsius|centigrade)|degrees? c|deg\\.? ?c|°c", unit: "Cel", kind: "temperature" },
  { words: "(degrees? )?fahrenheit|degrees? f|deg\\.? ?f|°f", unit: "[degF]", kind: "temperature" },
  { words: "percent(age)?( relative humidity)?|%( ?rh)?", unit: "%" },
  { words: "seconds?|sec|s", unit: "s" },
  { words: "minutes?|min", unit: "min" },
  { words: "hours?|h", unit: "h" },
  { words: "pascals?|pa", unit: "Pa", kind: "pressure" },
  { words: "kilopascals?|kpa", unit: "kPa", kind: "pressure" },
  { words: "meters?|metres?", unit: "m", kind: "length" },
];

const factors: readonly { readonly words: string; readonly scale: number }[] = [
  { words: "0?\\.1|1/10|tenths?( of)?( an?)?", scale: 0.1 },
  { words: "0?\\.01|1/100|hundredths?( of)?( an?)?", scale: 0.01 },
  { words: "0?\\.001|1/1000|thousandths?( of)?( an?)?", scale: 0.001 },
];

const either = (all: readonly { readonly words: string }[]): string => all.map(({ words }) => words).join("|");
const phrase = `(?:(?<factor>${either(factors)}) ?)?(?<unit>${either(units)})`;
const alone = new RegExp(`^${phrase}$`, "i");
/** In running text only whole words count, and those only after one that says that a unit follows. */
const told = new RegExp(
  `\\b(?:in|units?(?: of measure)?(?: is| are|:)?) (?:the )?(?:units of )?${phrase}(?=[\\s.,;)]|$)`,
  "gi",
);
/** Words that are as short as "a" or "s" are others' too, where no factor stands before them. */
const isTelling = (unit = ""): boolean => unit === "%" || unit.length >= 3;

/** @param decimals how many a display hint shows; they count where the words have no factor of their own. */
export function unitOf(clause: string, description: string, decimals: number): Unit {
  const scaled = (found: Unit): Unit =>
    found.scale === 1 && decimals > 0 ? { ...found, scale: 10 ** -decimals } : found;
  const plain = (text: string): string => text.replace(/\s+/g, " ").trim();
  const said = alone.exec(plain(clause));
  if (said !== null) return scaled(unitIn(said));
  // A unit that is said and not understood is not to be guessed from elsewhere.
  const hints = clause === "" ? [...plain(description).matchAll(told)] : [];
  const found = hints.filter(({ groups = {} }) => groups.factor || isTelling(groups.unit)).map(unitIn);
  const [first] = found;
  const isSure = first !== undefined && found.every(({ unit, scale }) => unit === first.unit && scale === first.scale);
  return scaled(isSure ? first : { unit: "1", scale: 1 });
}

function unitIn({ groups = {} }: RegExpExecArray | RegExpMatchArray): Unit {
  const named = (all: readonly { readonly words: string }[], text = "") =>
    all.findIndex(({ words }) => new RegExp(`^(?:${words})$`, "i").test(text));
  const { unit = "1", kind } = units[named(units, groups.unit)] ?? {};
  return { unit, scale: factors[named(factors, groups.factor)]?.scale ?? 1, ...(kind === undefined ? {} : { kind }) };
}
