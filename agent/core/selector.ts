/**
 * Which conditions are meant: `zone=hall-2 class=crac`, `row=F,G rule=inlet-hot`, `rack=F*`. Every term must hold; of a
 * term's values, separated by commas, one; a value that ends in * stands for all that begin so; one with blanks or commas
 * stands in quotes: room="Hall 1".
 */
export interface Selector {
  readonly terms: readonly Term[];
  /** Whether the alarm itself is named, by its rule or its meaning, and not only where it is. */
  readonly named: boolean;
}

interface Term {
  readonly key: string;
  readonly values: readonly string[];
}

export const selectorKeys = ["building", "room", "row", "rack", "zone", "class", "device", "rule", "means"] as const;
/** And `label.NAME`. */
const labelKey = /^label\.(.+)$/;

/** What a condition is asked for by these keys. */
export type Subject = Readonly<Partial<Record<(typeof selectorKeys)[number], string | undefined>>> & {
  readonly labels: Readonly<Record<string, string>>;
};

/** The selector, or what is wrong with it. */
export function parseSelector(text: string): Selector | string {
  const words = text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  if (words.length === 0) return "empty; expected terms such as zone=hall-2 class=crac";
  const terms: Term[] = [];
  for (const word of words) {
    const [, key = "", value = ""] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (key === "") return `"${word}" is no term; expected key=value, such as zone=hall-2`;
    if (!(selectorKeys as readonly string[]).includes(key) && !labelKey.test(key))
      return `no key "${key}"; expected one of ${selectorKeys.join(", ")}, label.NAME`;
    if (value.split('"').length % 2 === 0) return `"${word}" has a quote that does not end; expected another "`;
    const values = (value.match(/(?:[^,"]|"[^"]*")+/g) ?? []).map((one) => one.replaceAll('"', ""));
    if (values.length === 0) return `"${word}" has no value; expected key=value, such as zone=hall-2`;
    terms.push({ key, values });
  }
  return { terms, named: terms.some(({ key }) => key === "rule" || key === "means") };
}

export const selects = ({ terms }: Selector, subject: Subject): boolean =>
  terms.every(({ key, values }) => {
    const [, label] = labelKey.exec(key) ?? [];
    const own = label === undefined ? subject[key as keyof Omit<Subject, "labels">] : subject.labels[label];
    return own !== undefined && values.some((value) => fits(value, own));
  });

const fits = (value: string, own: string): boolean =>
  value.endsWith("*") ? own.startsWith(value.slice(0, -1)) : own === value;
