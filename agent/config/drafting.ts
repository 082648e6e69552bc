/** What drafts of profiles have in common, whatever they are drafted from: ids, comments and texts, as YAML. */

/** upsBatteryVoltage2nd → ups-battery-voltage2nd; what is not Latin falls away. */
export const kebab = (name: string): string =>
  latin(name)
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .toLowerCase();

const spelt: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue", Ä: "Ae", Ö: "Oe", Ü: "Ue", ß: "ss" };

const latin = (name: string): string =>
  name
    .normalize("NFC")
    .replace(/[äöüÄÖÜß]/g, (letter) => spelt[letter] ?? "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "");

/** Longest id of a point to which a number still can be added. */
export const idMax = 60;

/** Gives each id once: the second one gets a number. */
export function uniqueIds(): (wanted: string) => string {
  const given = new Set<string>();
  return (wanted) => {
    let id = wanted;
    for (let nth = 2; given.has(id); nth++) id = `${wanted}-${nth}`;
    given.add(id);
    return id;
  };
}

export const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", `# ${title}:`, ...lines.map((line) => `#   ${line}`)];

const shortMax = 100;

/** In one line that is no longer than a line should be. */
export function short(text: string): string {
  const line = inOneLine(text);
  return line.length > shortMax ? `${line.slice(0, shortMax - 1)}…` : line;
}

export const inOneLine = (text: string): string => text.replace(/[\p{C}\s]+/gu, " ").trim();

/** As YAML, whatever stands in it. */
export const quoted = (text: string): string => JSON.stringify(text);
