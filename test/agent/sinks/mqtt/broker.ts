import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import mqtt, {
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
} from "mqtt-packet";

/** A broker that does as a test says, byte by byte: what a real one does only on a bad day. */
export interface ScriptedBroker {
  readonly url: string;
  readonly connects: IConnectPacket[];
  readonly publishes: IPublishPacket[];
  /** With how much was published before. */
  readonly subscribes: { readonly packet: ISubscribePacket; readonly published: number }[];
  /** What clients said last, such as disconnect. */
  readonly others: Packet[];
  /** Most publishes that ever waited for an acknowledgement at once. */
  unackedMax: number;
  /** How a CONNECT is answered; null: not at all. */
  onConnect: (packet: IConnectPacket) => Partial<IConnackPacket> | null;
  /** Reason code of the PUBACK; null: none; "close": the connection is closed instead. */
  onPublish: (packet: IPublishPacket) => number | null | "close";
  /** What it keeps, by topic, told to whoever subscribes to anything; null: nobody may. */
  kept: Map<string, string> | null;
  /** Reason code of the SUBACK, where somebody may subscribe to something; null: none. */
  onSubscribe: (topics: readonly string[]) => number | null;
  /** Says this right after CONNACK, as what it kept for the session. */
  early: Packet[];
  /** Says it to all. */
  say(packet: Packet): void;
  /** Delay of each PUBACK, ms. */
  ackMs: number;
  /** Of those who are there, for a test that says what no broker says. */
  readonly sockets: ReadonlySet<Socket>;
  drop(): void;
  close(): Promise<void>;
}

export async function startBroker(port = 0, tls?: { cert: string; key: string }): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>();
  const says = new Set<(packet: Packet) => void>();
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.setNoDelay(true); // else an acknowledgement waits 40 ms behind another, longer than hurried deadlines
    const say = serve(broker, socket);
    says.add(say);
    socket.on("close", () => says.delete(say));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const broker: ScriptedBroker = {
    url: `mqtt${tls === undefined ? "" : "s"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connects: [],
    publishes: [],
    subscribes: [],
    onSubscribe: () => 0,
    early: [],
    say(packet) {
      for (const say of says) say(packet);
    },
    others: [],
    unackedMax: 0,
    onConnect: () => ({}),
    onPublish: () => 0,
    kept: new Map(),
    ackMs: 0,
    sockets,
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      broker.drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return broker;
}

function serve(broker: ScriptedBroker, socket: Socket): (packet: Packet) => void {
  let parser = mqtt.parser({ protocolVersion: 5 });
  let version = 5;
  let unacked = 0;
  const send = (packet: Packet): void => {
    if (!socket.destroyed) socket.write(mqtt.generate(packet, { protocolVersion: version }));
  };
  const take = (packet: Packet): void => {
    if (packet.cmd === "connect") {
      broker.connects.push(packet);
      version = packet.protocolVersion ?? 4;
      parser = listen(version);
      const answer = broker.onConnect(packet);
      if (answer !== null) send({ cmd: "connack", sessionPresent: false, reasonCode: 0, returnCode: 0, ...answer });
      broker.early.forEach(send);
    } else if (packet.cmd === "publish") {
      broker.publishes.push(packet);
      if (packet.qos === 0) return;
      broker.unackedMax = Math.max(broker.unackedMax, ++unacked);
      const code = broker.onPublish(packet);
      if (code === "close") socket.destroy();
      if (typeof code !== "number") return;
      setTimeout(() => {
        unacked--;
        send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: code });
      }, broker.ackMs);
    } else if (packet.cmd === "subscribe") {
      broker.subscribes.push({ packet, published: broker.publishes.length });
      const topics = packet.subscriptions.map(({ topic }) => topic);
      const code = broker.kept === null ? 0x87 : broker.onSubscribe(topics);
      if (code === null) return;
      send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [code] });
      for (const [topic, payload] of broker.kept ?? [])
        send({ cmd: "publish", topic, payload, qos: 0, retain: true, dup: false });
    } else if (packet.cmd === "pingreq") send({ cmd: "pingresp" });
    else broker.others.push(packet);
  };
  const listen = (protocolVersion: number) => {
    const made = mqtt.parser({ protocolVersion });
    made.on("packet", take);
    made.on("error", () => socket.destroy());
    return made;
  };
  parser = listen(5);
  socket.on("data", (data) => parser.parse(data));
  return send;
}
