import { misbehaviours, named } from "../../simulator.ts";
import { confirmedService } from "../wire/apdu.ts";

/**
 * What a simulated BACnet device may do wrong, beside those of every protocol. wrong-invoke-id: answers another request ·
 * wrong-peer: answers from another port · abort: has no answer above 128 octets (segmentation-not-supported) · small-apdu: takes and
 * sends 128 octets at most, and says so · no-rpm, no-cov: knows no ReadPropertyMultiple, no SubscribeCOV · segmented: answers in
 * segments, although none is accepted · malformed: sends an Error that ends in its middle, asked or not · reboot: boots anew, at once
 * and each 10 s: forgets who subscribed, and says I-Am.
 */
const bacnetFaults = [
  ...misbehaviours,
  ...(["wrong-invoke-id", "wrong-peer", "abort", "small-apdu", "no-rpm", "no-cov"] as const),
  ...(["segmented", "malformed", "reboot"] as const),
] as const;
export type BacnetFault = (typeof bacnetFaults)[number];

/** @throws on a name that is none, with those there are */
export const bacnetFaultNamed = (name: string): BacnetFault => named(bacnetFaults, name);

/** What a device can do, as its faults leave it. */
export interface Traits {
  /** Longest APDU that it takes, octets, as it says in I-Am and in its device object. */
  readonly apduMax: number;
  /** Longest APDU that it sends, octets. */
  readonly answerMax: number;
  /** A confirmed service that it does not know. */
  readonly lacks: number | null;
}

const usual: Traits = { apduMax: 1476, answerMax: 1476, lacks: null };
const fewOctets = 128;
const traits: Partial<Readonly<Record<BacnetFault, Traits>>> = {
  abort: { ...usual, answerMax: fewOctets },
  "small-apdu": { ...usual, apduMax: fewOctets, answerMax: fewOctets },
  "no-rpm": { ...usual, lacks: confirmedService.readPropertyMultiple },
  "no-cov": { ...usual, lacks: confirmedService.subscribeCov },
};

export const traitsOf = (how: BacnetFault): Traits => traits[how] ?? usual;
