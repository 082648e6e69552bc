import * as z from "zod";

/** What names something for ever: incidents and topics carry it. */
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "expected 1 to 64 letters, digits, _ or -");
