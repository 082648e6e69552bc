import { type Element, tags } from "./ber.ts";
import type { Flaw } from "./getter.ts";

/**
 * DateAndTime of RFC 2579: year (2 octets), month, day, hour, minute, second, tenths; then, where it is known, "+" or "-"
 * and hours and minutes from UTC. As seconds since 1970; without the last three octets it is taken for UTC.
 */
export function epochOf({ tag, content }: Element): number | Flaw {
  if (tag >= tags.noSuchObject && tag <= tags.endOfMibView) return { fault: "no_such_point", detail: "no such object" };
  const isLong = content.length === 11;
  if (tag !== tags.octetString || (content.length !== 8 && !isLong))
    return {
      fault: "wrong_type",
      detail: `expected DateAndTime of 8 or 11 octets, got ${content.length} of type ${tag}`,
    };
  // Clocks that were never set say zero.
  if (content.subarray(0, 4).every((octet) => octet === 0)) return { fault: "not_available", detail: "date 0-0-0" };
  const [month = 0, day = 0, hours = 0, minutes = 0, seconds = 0, tenths = 0, sign = 0, east = 0, more = 0] =
    content.subarray(2);
  const year = content.readUInt16BE(0);
  // What is no date is made one by the calendar: 30 February is 2 March then.
  const date = new Date(Date.UTC(year, month - 1, day));
  const isDate = year >= 100 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  // 60 is a leap second; 13 hours from UTC are, in RFC 2579, the most.
  const isTime = hours < 24 && minutes < 60 && seconds <= 60 && tenths < 10;
  const isZone = !isLong || ((sign === plus || sign === minus) && east <= 14 && more < 60);
  if (!isDate || !isTime || !isZone) return { fault: "implausible", detail: `no date: ${content.toString("hex")}` };
  const offset = isLong ? (sign === plus ? 1 : -1) * (east * 3600 + more * 60) : 0;
  return date.getTime() / 1000 + hours * 3600 + minutes * 60 + seconds + tenths / 10 - offset;
}

const plus = "+".charCodeAt(0);
const minus = "-".charCodeAt(0);
