/** UCUM as far as units of plant need it: whether a code is one, and how much of which quantity it is in SI. */
export interface Amount {
  readonly value: number;
  /** Exponents by base unit, such as { kg: 1, m: 2, s: -3 }; none that is 0. */
  readonly of: Readonly<Record<string, number>>;
}

const prefixes: Readonly<Record<string, number>> = {
  ...{ p: 1e-12, n: 1e-9, u: 1e-6, m: 1e-3, c: 1e-2, d: 0.1, h: 1e2, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
};

/** Defined by each other, as UCUM's own tables do it; `*` takes prefixes. Without a definition: a base unit; 0: it stands alone. */
const atoms: Readonly<Record<string, readonly [value: number, of: string]>> = {
  ...{ "*m": [1, ""], "*g": [1e-3, "kg"], kg: [1, ""], "*s": [1, ""], "*A": [1, ""], "*K": [1, ""], "*cd": [1, ""] },
  ...{ "*bit": [1, ""], "*By": [8, "bit"], rad: [1, ""], deg: [Math.PI / 180, "rad"], "%": [0.01, "1"] },
  ...{ "[ppth]": [1e-3, "1"], "[ppm]": [1e-6, "1"], "[ppb]": [1e-9, "1"], min: [60, "s"], h: [3600, "s"] },
  ...{ d: [86_400, "s"], wk: [604_800, "s"], mo: [2_629_800, "s"], a: [31_557_600, "s"], "*Hz": [1, "/s"] },
  ...{ "*N": [1, "kg.m/s2"], "*Pa": [1, "N/m2"], "*J": [1, "N.m"], "*W": [1, "J/s"], "*V": [1, "W/A"] },
  ...{
    "*Ohm": [1, "V/A"],
    "*S": [1, "A/V"],
    "*F": [1, "A.s/V"],
    "*Wb": [1, "V.s"],
    "*H": [1, "Wb/A"],
    "*T": [1, "Wb/m2"],
  },
  ...{
    "*lm": [1, "cd"],
    "*lx": [1, "lm/m2"],
    "*Bq": [1, "/s"],
    "*Gy": [1, "J/kg"],
    "*Sv": [1, "J/kg"],
    "*REM": [0.01, "Sv"],
  },
  ...{
    "*bar": [1e5, "Pa"],
    "*L": [1e-3, "m3"],
    "*t": [1000, "kg"],
    "*m[H2O]": [9806.65, "Pa"],
    "*m[Hg]": [133_322, "Pa"],
  },
  ...{ "[in_i]": [0.0254, "m"], "[ft_i]": [0.3048, "m"], "[yd_i]": [0.9144, "m"], "[mi_i]": [1609.344, "m"] },
  ...{ "[nmi_i]": [1852, "m"], "[sin_i]": [1, "[in_i]2"], "[sft_i]": [1, "[ft_i]2"], "[cft_i]": [1, "[ft_i]3"] },
  ...{ "[gal_us]": [231, "[in_i]3"], "[gal_br]": [4.54609e-3, "m3"], "[lb_av]": [0.453_592_37, "kg"] },
  ...{ "[gr]": [64.798_91e-6, "kg"], "[ston_av]": [2000, "[lb_av]"], "[lton_av]": [2240, "[lb_av]"] },
  ...{ "[lbf_av]": [4.448_221_615, "N"], "[psi]": [1, "[lbf_av]/[in_i]2"], "[HP]": [550, "[ft_i].[lbf_av]/s"] },
  ...{ "[Btu_IT]": [1055.055_852_62, "J"], "[in_i'H2O]": [249.088_91, "Pa"], "[in_i'Hg]": [3386.3788, "Pa"] },
  ...{ Cel: [0, "K"], "[degF]": [0, "K"], "[pH]": [0, "1"], "*B": [0, "1"], "*B[V]": [0, "V"], "*B[mV]": [0, "V"] },
  ...{ "*B[SPL]": [0, "Pa"] },
};

/** @throws at what is no UCUM code: an unknown atom, a prefix where none may be, degrees that do not stand alone */
export function ucum(code: string): Amount {
  const terms = [...code.matchAll(/(^|[./])((?:[^./{}]|\{[^{}]*\})+)/g)];
  const isWhole = terms.map(([text]) => text).join("") === code || `/${terms[0]?.[2]}` === code;
  if (code === "" || !isWhole) throw new Error(`${code}: no UCUM expression`);
  const amounts = terms.map(([, sign, term = ""]) => {
    const amount = termed(term);
    if (amount.value === 0 && terms.length > 1) throw new Error(`${code}: ${term} has to stand alone`);
    return sign === "/" ? power(amount, -1) : amount;
  });
  return amounts.reduce(product);
}

function termed(written: string): Amount {
  const term = written.replace(/\{[!-z|~]*\}$/, "");
  if (/^[1-9]\d*$/.test(term)) return { value: Number(term), of: {} };
  const [, symbol = "", exponent = "1"] = /^(.*?[^-\d])(-?\d)?$/.exec(term) ?? [];
  const bare = atoms[`*${symbol}`] ?? atoms[symbol];
  const prefixed = atoms[`*${symbol.slice(1)}`];
  const prefix = prefixes[symbol[0] ?? ""];
  if (bare !== undefined) return power(defined(symbol, bare), Number(exponent));
  if (prefixed === undefined || prefix === undefined) throw new Error(`${written}: no unit of UCUM`);
  const { value, of } = defined(symbol.slice(1), prefixed);
  return power({ value: value * prefix, of }, Number(exponent));
}

function defined(symbol: string, [value, by]: readonly [number, string]): Amount {
  if (by === "") return { value, of: { [symbol]: 1 } };
  const whole = ucum(by);
  return { value: value * whole.value, of: whole.of };
}

const power = ({ value, of }: Amount, exponent: number): Amount => ({
  value: value ** exponent,
  of: Object.fromEntries(Object.entries(of).map(([base, n]) => [base, n * exponent])),
});

function product(a: Amount, b: Amount): Amount {
  const bases = [...new Set([...Object.keys(a.of), ...Object.keys(b.of)])];
  const of = bases.map((base): [string, number] => [base, (a.of[base] ?? 0) + (b.of[base] ?? 0)]);
  return { value: a.value * b.value, of: Object.fromEntries(of.filter(([, n]) => n !== 0)) };
}
