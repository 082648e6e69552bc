/** The words of a MIB file (ASN.1 as RFC 2578, 3 has it). */

export interface Token {
  readonly kind: "word" | "number" | "string" | "sign" | "end";
  /** Of a string what stands between its quotation marks. */
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

/** What is wrong with a MIB file, and where; caught in `readMib`. */
export class MibError extends Error {
  readonly line: number;
  constructor(line: number, what: string) {
    super(what);
    this.line = line;
  }
}

/**
 * A comment ends with its line: rules of hyphens are common, and by ASN.1's own rule every second pair of them would end
 * it. A word has no two hyphens in a row, so that a comment may follow without a blank; makers write underscores in words.
 */
const lexeme =
  /(?<blank>\s+|--[^\n]*)|(?<string>"(?:[^"]|"")*")|(?<bits>'[0-9A-Fa-f\s]*'[HhBb])|(?<number>-?\d+(?![A-Za-z0-9_]))|(?<word>[A-Za-z0-9](?:[A-Za-z0-9_]|-(?!-))*)|(?<sign>::=|\.\.|[{}()[\],;|.])/y;

/** @throws MibError at what is no word of a MIB */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (lexeme.lastIndex = 0; lexeme.lastIndex < text.length; ) {
    const at = lexeme.lastIndex;
    const found = lexeme.exec(text);
    if (found?.groups === undefined) throw new MibError(line, unexpected(text.slice(at, at + 1)));
    const { string, bits, number, word, sign } = found.groups;
    const token = (kind: Token["kind"], shown: string) => tokens.push({ kind, text: shown, line });
    if (string !== undefined) token("string", string.slice(1, -1).replaceAll('""', '"'));
    else if (number !== undefined) token("number", number);
    else if (word !== undefined) token("word", word.replace(/-+$/, ""));
    else if (bits !== undefined) token("word", bits);
    else if (sign !== undefined) token("sign", sign);
    line += found[0].split("\n").length - 1;
  }
  tokens.push({ kind: "end", text: "the end of the file", line });
  return tokens;
}

const unexpected = (character: string): string =>
  character === '"'
    ? 'a text that begins here has no end; expected a closing "'
    : `unexpected ${JSON.stringify(character)}; expected the text of a MIB, as its maker or an RFC gives it`;
