import type { MqttClient, Packet } from "mqtt";

/**
 * How much may be on its way of what nobody acknowledges. What was written is not what was read: the system takes megabytes
 * for a broker that has stopped reading, and whatever comes next is behind them. An answer to a ping tells that all before it
 * was read.
 */
export interface Pace {
  hasRoom(): boolean;
  wrote(bytes: number): void;
}

const unheardMax = 64 * 1024;

export function paceOf(client: MqttClient): Pace {
  let [unheard, pings, answers] = [0, 0, 0];
  /** The ping whose answer is waited for, by its number; null: none is. */
  let awaited: number | null = null;
  client.on("packetsend", ({ cmd }: Packet) => {
    if (cmd === "pingreq") pings++;
  });
  client.on("packetreceive", ({ cmd }: Packet) => {
    if (cmd !== "pingresp") return;
    answers = Math.min(answers + 1, pings);
    if (awaited === null || answers < awaited) return;
    [unheard, awaited] = [0, null];
  });
  return {
    hasRoom: () => unheard < unheardMax && client.stream.writableLength < unheardMax,
    wrote(bytes) {
      unheard += bytes;
      if (unheard < unheardMax || awaited !== null) return;
      client.sendPing();
      awaited = pings;
    },
  };
}
