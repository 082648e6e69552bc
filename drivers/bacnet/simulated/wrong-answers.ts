import { pdu } from "../wire/apdu.ts";
import { octets } from "../wire/encode.ts";
import type { BacnetFault } from "./faults.ts";
import { errorAnswer, type Requested } from "./services.ts";
import type { Caller, Line } from "./simulated.ts";

/** What a simulated device says to a request that it does not answer as it should. */

interface Speaking {
  say: Line["send"];
  /** As it would be without a fault. */
  right(request: Requested, to: Caller): Buffer;
  flood(apdu: Buffer, to: Caller): void;
  later(work: () => void): void;
}

const operationalProblem = { errorClass: 0 /* device */, code: 25 };
/** An Error whose error class announces a length and ends: it throws in the library's decoder. */
const rubbish = ({ invokeId, service }: Requested): Buffer => octets(pdu.error, invokeId, service, 0x95);
/** The one of it that ends a process with a bare node-bacnet in it, whatever was asked. */
export const crash = (invokeId: number): Buffer => octets(pdu.error, invokeId, 0x0c, 0x95);
/** Of a complex acknowledgement its first segment, more of which follow: of a window of one. */
const segmented = (apdu: Buffer): Buffer =>
  (apdu.readUInt8(0) & 0xf0) === pdu.complexAck
    ? octets(pdu.complexAck | 0x0c, apdu.subarray(1, 2), 0, 1, apdu.subarray(2))
    : apdu;
const toAnother = (apdu: Buffer): Buffer => octets(apdu.subarray(0, 1), apdu.readUInt8(1) ^ 0x80, apdu.subarray(2));

type Answers = Partial<Readonly<Record<BacnetFault, (request: Requested, to: Caller) => void>>>;

/** By fault; what is not here is answered as it should be. */
export const wrongAnswers = ({ say, right, flood, later }: Speaking): Answers => ({
  silent: () => {},
  slow: (request, to) => later(() => say(right(request, to), to)),
  rubbish: (request, to) => say(rubbish(request), to),
  error: (request, to) => say(errorAnswer(request, operationalProblem), to),
  // Right, but to a request that is not open.
  flood: (request, to) => flood(toAnother(right(request, to)), to),
  "wrong-invoke-id": (request, to) => say(toAnother(right(request, to)), to),
  "wrong-peer": (request, to) => say(right(request, to), to, { isStrange: true }),
  segmented: (request, to) => say(segmented(right(request, to)), to),
  malformed(request, to) {
    say(crash(1), to);
    say(crash(request.invokeId), to);
  },
});
