import type { Env } from "../../../agent/env.ts";
import { pdu } from "../wire/apdu.ts";
import { octets } from "../wire/encode.ts";
import { apduRetries, apduTimeoutMs } from "./device-object.ts";

/** What a simulated device sends until it is acknowledged: again after each APDU timeout, then given up. */
export interface Confirming<Recipient> {
  /** `done`: acknowledged, refused or given up; at once, and unsent, where too much is under way. */
  send(service: number, parameters: Buffer, to: Recipient, done: () => void): void;
  /** True: it was the answer to something sent. `key` names who sent it. */
  heard(apdu: Buffer, key: string): boolean;
  /** Gives up all that is under way. */
  forget(): void;
}

const answers: ReadonlySet<number> = new Set([pdu.simpleAck, pdu.error, pdu.reject, pdu.abort]);
/** No segments are taken, and up to 1476 octets. */
const sizes = 0x05;

export function confirming<Recipient>(
  env: Env,
  keyOf: (recipient: Recipient) => string,
  say: (apdu: Buffer, to: Recipient) => void,
): Confirming<Recipient> {
  const open = new Map<number, { readonly key: string; settle(): void }>();
  let last = -1;

  return {
    send(service, parameters, to, done) {
      if (open.size > 255) return done();
      do last = (last + 1) & 0xff;
      while (open.has(last));
      const invokeId = last;
      const apdu = octets(pdu.confirmedRequest, sizes, invokeId, service, parameters);
      let cancel = (): void => {};
      const settle = (): void => {
        cancel();
        open.delete(invokeId);
        done();
      };
      const attempt = (retries: number): void => {
        say(apdu, to);
        cancel = env.after(apduTimeoutMs, () => (retries > 0 ? attempt(retries - 1) : settle()));
      };
      open.set(invokeId, { key: keyOf(to), settle });
      attempt(apduRetries);
    },
    heard(apdu, key) {
      const [head = 0, invokeId = -1] = apdu;
      const found = answers.has(head & 0xf0) ? open.get(invokeId) : undefined;
      if (found?.key !== key) return false;
      found.settle();
      return true;
    },
    forget() {
      for (const { settle } of open.values()) settle();
    },
  };
}
