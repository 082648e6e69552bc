import type { Env } from "../../../agent/env.ts";
import type { Recipient } from "../../simulator.ts";
import { timersOf } from "../../timers.ts";
import { objectNumber, trap as trapSchema } from "../schema.ts";
import { confirmedService, pdu, unconfirmedService } from "../wire/apdu.ts";
import { octets } from "../wire/encode.ts";
import type { Station } from "../wire/packet.ts";
import { confirming } from "./confirming.ts";
import { type BacnetFault, bacnetFaultNamed, traitsOf } from "./faults.ts";
import { ServedDevice, type Serving } from "./served.ts";
import { subscriptionsOf } from "./served-cov.ts";
import { iAm, whoAnswer } from "./served-names.ts";
import { announcer } from "./served-notification.ts";
import { answer, confirmed, type Requested, refusedSegment } from "./services.ts";
import { crash, wrongAnswers } from "./wrong-answers.ts";

/** Who asks a device, or is told by it. */
export interface Caller {
  readonly address: string;
  readonly port: number;
  /** Behind a router; null: who sends is who asks. */
  readonly station: Station | null;
}

/** How a device's APDUs get away, with the route that it has. */
export interface Line {
  /** `isStrange`: from another port than it is asked at. */
  send(apdu: Buffer, to: Caller, how?: { readonly isReplyExpected?: boolean; readonly isStrange?: boolean }): void;
  broadcast(apdu: Buffer): void;
  /** Without end, as long as the fault lasts. */
  flood(apdu: Buffer, to: Caller): void;
}

export interface SimulatedDevice {
  hear(apdu: Buffer, from: Caller, isBroadcast: boolean): void;
  misbehave(how: string): void;
  announce(trap: unknown, to: Recipient): void;
  readonly isFlooding: boolean;
  close(): void;
}

const slowMs = 3000;
const rebootEveryMs = 10_000;
const keyOf = ({ address, port, station }: Caller): string =>
  `${address}:${port} ${station?.network ?? ""} ${station?.mac ?? ""}`;

/** One device, as it hears and speaks; where it is, its line knows. */
export function simulatedDevice(env: Env, serving: Omit<Serving, "traits">, line: Line): SimulatedDevice {
  let how: BacnetFault = "none";
  /** Whoever asked last: to whom it says what nobody asked for. */
  let last: { readonly caller: Caller; readonly request: Requested } | undefined;
  const timers = timersOf(env);
  const served = new ServedDevice({ ...serving, traits: () => traitsOf(how) });
  const say: Line["send"] = (apdu, to, as) => {
    if (how !== "silent") line.send(apdu, to, as);
  };
  const sure = confirming<Caller>(env, keyOf, (apdu, to) => say(apdu, to, { isReplyExpected: true }));
  const tell = (services: { readonly sure: number; readonly once: number }) => {
    return (parameters: Buffer, to: Caller, isConfirmed: boolean, done: () => void): void => {
      if (isConfirmed) {
        sure.send(services.sure, parameters, to, done);
        return;
      }
      say(octets(pdu.unconfirmedRequest, services.once, parameters), to);
      done();
    };
  };
  const subscriptions = subscriptionsOf(env, served, tell(notifications.cov));
  const announced = announcer(served);

  const rightAnswer = (request: Requested, caller: Caller): Buffer => {
    const subscribe = (tags: Parameters<typeof subscriptions.subscribe>[2]) =>
      subscriptions.subscribe(keyOf(caller), caller, tags);
    return answer({ served, traits: traitsOf(how), subscribe }, request);
  };
  const answers = wrongAnswers({
    say,
    right: rightAnswer,
    flood: line.flood,
    later: (work) => timers.after(slowMs, work),
  });
  function reboot(): void {
    subscriptions.forget();
    sure.forget();
    const hello = iAm(served, traitsOf(how));
    line.broadcast(hello);
    if (last) say(hello, last.caller);
    timers.after(rebootEveryMs, () => how === "reboot" && reboot());
  }
  /** What a fault does at once, unasked. */
  const begins: Partial<Readonly<Record<BacnetFault, () => void>>> = {
    reboot,
    flood: () => last && answers.flood?.(last.request, last.caller),
    malformed: () => last && say(crash(1), last.caller),
  };

  return {
    get isFlooding() {
      return how === "flood";
    },
    hear(apdu, from, isBroadcast) {
      const found = whoAnswer(served, traitsOf(how), apdu);
      if (found) say(found, from);
      // Nobody asks everybody for an answer of each.
      if (isBroadcast || sure.heard(apdu, keyOf(from))) return;
      const request = confirmed(apdu);
      const refusal = refusedSegment(apdu);
      if (refusal) say(refusal, from);
      if (request === undefined) return;
      last = { caller: from, request };
      const wrong = answers[how];
      if (wrong) wrong(request, from);
      else say(rightAnswer(request, from), from);
    },
    misbehave(next) {
      how = bacnetFaultNamed(next);
      begins[how]?.();
    },
    announce(named, { address, port, isConfirming = false }) {
      const { instance, ...object } = trapSchema.parse(named);
      const parameters = announced(objectNumber(object), instance, env.clock.wall());
      tell(notifications.event)(parameters, { address, port, station: null }, isConfirming, () => {});
    },
    close() {
      how = "silent";
      subscriptions.forget();
      sure.forget();
      timers.cancel();
    },
  };
}

const notifications = {
  cov: { sure: confirmedService.confirmedCovNotification, once: unconfirmedService.covNotification },
  event: { sure: confirmedService.confirmedEventNotification, once: unconfirmedService.eventNotification },
} as const;
