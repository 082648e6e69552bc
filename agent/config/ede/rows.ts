import { CsvError, parse } from "csv-parse/sync";

/** A CSV file as rows of cells, whichever program of which country wrote it: encoding and separator are found out. */
export interface Row {
  /** 1-based; the last one of a row of several lines. */
  readonly line: number;
  /** Without the blanks around them. */
  readonly cells: readonly string[];
}

export interface Sheet {
  readonly rows: readonly Row[];
  /** What is wrong with the file itself; line 0: as a whole. */
  readonly wrong: { readonly line: number; readonly what: string } | null;
}

/** Total. Rows without anything in them are left out. */
export function sheetOf(bytes: Uint8Array): Sheet {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return { rows: [], wrong: { line: 0, what: isWorkbook } };
  const text = textOf(bytes);
  const { rows, isWhole } = parsed(text, '"');
  if (isWhole) return { rows, wrong: null };
  const line = (rows.at(-1)?.line ?? 0) + 1;
  return { rows: parsed(text, null).rows, wrong: { line, what: isOpen } };
}

const isWorkbook = "a workbook (XLSX), not CSV; save each of its sheets as CSV, and give those";
const isOpen =
  'from here on a cell begins with a quotation mark and has no end; all such marks are taken for text: close it with "';

function parsed(text: string, quote: '"' | null): { readonly rows: readonly Row[]; readonly isWhole: boolean } {
  const rows: Row[] = [];
  const keep = (written: readonly string[], { lines: line }: { readonly lines: number }): null => {
    const cells = written.map((cell) => cell.trim());
    if (cells.some((cell) => cell !== "")) rows.push({ line, cells });
    return null;
  };
  try {
    parse(text, { ...lenient, delimiter: separatorOf(text), quote, on_record: keep });
    return { rows, isWhole: true };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { rows, isWhole: false };
  }
}

const lenient = { record_delimiter: ["\r\n", "\n", "\r"], relax_column_count: true, relax_quotes: true };

/** UTF-8 with or without a mark, UTF-16 as spreadsheets write it, or Windows-1252, of which Latin-1 is a part. */
function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const latin = Buffer.from(bytes).toString("latin1");
    return latin.replace(/[\x80-\x9f]/g, (sign) => signs[sign.charCodeAt(0) - 0x80] ?? sign);
  }
}

/** What Windows-1252 has from 0x80 on where Latin-1 has none; written out, as TextDecoder of Node 20 takes it for Latin-1. */
const signs = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** The one that most lines have: commas are also in descriptions and numbers, but not in every line of them. */
function separatorOf(text: string): string {
  const lines = text.split(/\r\n?|\n/);
  const [first] = [";", "\t", ","]
    .map((sign) => ({ sign, count: lines.filter((line) => line.includes(sign)).length }))
    .toSorted((a, b) => b.count - a.count);
  return first?.sign ?? ";";
}
