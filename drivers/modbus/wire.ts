import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { type Failure, failureOf } from "./failure.ts";
import type { Bus } from "./schema.ts";

/** What carries bytes to a bus and back. Made opening; over once, by either side, and then another one is made. */
export interface Wire {
  readonly usable: boolean;
  readonly isOpen: boolean;
  /** What is not open drops it. */
  write(bytes: Buffer): void;
  destroy(): void;
  /** Settles when what it took of the machine is free again. */
  readonly gone: Promise<void>;
}

export interface Ends {
  opened(): void;
  bytes(chunk: Buffer): void;
  over(failure: Failure): void;
}

/** `before`: when a wire to the same bus, made earlier, has gone. */
export function wireTo(bus: Bus, ends: Ends, before: Promise<void>): Wire {
  if (bus.transport === "rtu") return serialWire(bus, ends, before);
  return bus.transport === "udp" ? udpWire(bus, ends) : tcpWire(bus, ends);
}

type Line = Extract<Bus, { transport: "rtu" }>;
type Peer = Exclude<Bus, Line>;

/** A socket of ours: the library's own leaks one at each failed connect and does not tell of a reset. */
function tcpWire({ host, port }: Peer, { opened, bytes, over }: Ends): Wire {
  const socket = connect({ host, port, noDelay: true });
  socket.on("connect", opened);
  socket.on("data", bytes);
  socket.on("error", (error) => over(failureOf(error)));
  socket.on("close", () => over({ fault: "unreachable", detail: "connection closed by the device" }));
  return {
    get usable() {
      return socket.writable;
    },
    get isOpen() {
      return !socket.connecting && socket.writable;
    },
    write: (chunk) => void socket.write(chunk),
    destroy: () => void socket.destroy(),
    gone: Promise.resolve(),
  };
}

/** Connected, so that the system drops what others than the device send. */
function udpWire({ host, port }: Peer, { opened, bytes, over }: Ends): Wire {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  let [usable, isOpen] = [true, false];
  const destroy = (): void => {
    if (!usable) return;
    [usable, isOpen] = [false, false];
    socket.close();
  };
  socket.on("connect", () => {
    isOpen = usable;
    opened();
  });
  socket.on("message", bytes);
  socket.on("error", (error) => over(failureOf(error)));
  socket.connect(port, host);
  return {
    get usable() {
      return usable;
    },
    get isOpen() {
      return isOpen;
    },
    write: (chunk) => isOpen && socket.send(chunk),
    destroy,
    gone: Promise.resolve(),
  };
}

/** Loaded where there is a serial line only: it brings native code. */
function serialWire(bus: Line, { opened, bytes, over }: Ends, before: Promise<void>): Wire {
  let usable = true;
  let end = (): void => {};
  let isOpen = (): boolean => false;
  let write = (_: Buffer): void => {};
  const open = async (): Promise<void> => {
    await before;
    const { SerialPort } = await import("serialport");
    if (!usable) return;
    const { path, baud: baudRate, parity, stopBits } = bus;
    // `hupcl` would have the adapter drop its lines at each close, which restarts what draws its power from them.
    const line = new SerialPort({ path, baudRate, parity, stopBits, dataBits: 8, hupcl: false, autoOpen: false });
    line.on("data", bytes);
    line.on("error", (error: unknown) => over(lost(path, error)));
    line.on("close", () => over(lost(path, "closed")));
    await new Promise<void>((done) => {
      line.open((error) => {
        if (error) {
          over(lost(path, error));
          done();
          return;
        }
        end = () => line.close(() => done());
        line.on("close", done);
        isOpen = () => line.isOpen;
        write = (chunk) => void line.write(chunk);
        if (usable) opened();
        else end();
      });
    });
  };
  const gone = open().catch((error: unknown) => over(lost(bus.path, error)));
  return {
    get usable() {
      return usable;
    },
    get isOpen() {
      return usable && isOpen();
    },
    write: (chunk) => write(chunk),
    destroy() {
      if (!usable) return;
      usable = false;
      end();
    },
    gone,
  };
}

const lost = (path: string, error: unknown): Failure => ({
  fault: "unreachable",
  detail: `serial port ${path}: ${error instanceof Error ? error.message : String(error)}`,
});
