import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line between an agent and its broker that can be cut, or go dead without a word. */
export interface Proxy {
  readonly port: number;
  /** Ends what is connected; `isOpen` false: and lets nobody in. */
  cut(isOpen: boolean): void;
  /** Both ends believe that they are connected, and nothing passes; false: a new connection is whole again. */
  dead(isDead: boolean): void;
  close(): Promise<void>;
}

export async function startProxy(to: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let [isOpen, isDead] = [true, false];
  const server = createServer((near) => {
    if (!isOpen) return void near.destroy();
    const far = connect(to, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, into] of [pair, [far, near] as const]) {
      from.on("data", (bytes) => void (isDead || into.write(bytes)));
      from.on("error", () => {});
      from.on("close", () => {
        pairs.delete(pair);
        if (!isDead) into.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut(open) {
      isOpen = open;
      cutAll();
    },
    dead(dead) {
      isDead = dead;
      if (!dead) cutAll();
    },
    close() {
      cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
