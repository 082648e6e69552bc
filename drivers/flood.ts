import type { Socket } from "node:dgram";
import type { Env } from "../agent/env.ts";

/** So many at once, and then again: who sends without a pause lets nobody else in this process live. */
const burst = 64;

/**
 * Datagrams without end, about 50,000 a second, to whoever was named last. `isOn`: asked before each burst; it must be false
 * before the socket is closed.
 */
export function datagramFlood(socket: Socket, { after }: Env, isOn: () => boolean) {
  let isRunning = false;
  let send = (): void => {};
  function pour(): void {
    isRunning = isOn();
    if (!isRunning) return;
    for (let nth = 0; nth < burst; nth++) send();
    after(0, pour);
  }
  return (bytes: Buffer, { port, address }: { readonly port: number; readonly address: string }): void => {
    send = () => socket.send(bytes, port, address, () => {});
    if (!isRunning) pour();
  };
}
