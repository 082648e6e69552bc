import type { Request } from "./plan.ts";
import { silenceMs } from "./rtu.ts";
import { type Bus, hasWords } from "./schema.ts";

/** A request: unit, function, 4 bytes of range, checksum. */
const askedBytes = 8;
/** Beside its data, a reply: unit, function, count, checksum. */
const frameBytes = 5;
/** What a device takes to answer is its own; this much the standard lets it have for certain: a silence before its reply. */
const silences = 2;

/**
 * How long a request and its reply occupy a serial line, ms; null for networks, where nobody knows. Without what the device
 * thinks. V1.02, 2.5.1: characters of 11 bits, of 10 with neither parity nor a second stop bit; 3.5 of silence around frames.
 */
export function airtimeMs({ table, count }: Request, bus: Bus): number | null {
  if (bus.transport !== "rtu") return null;
  const bytes = hasWords(table) ? 2 * count : Math.ceil(count / 8);
  const bits = 1 + 8 + (bus.parity === "none" ? 0 : 1) + bus.stopBits;
  const characterMs = (bits * 1000) / bus.baud;
  return (askedBytes + frameBytes + bytes) * characterMs + silences * silenceMs(bus.baud) + bus.turnaround;
}
