/** What this driver uses of node-bacnet 0.2.4, which ships no types. No write service is declared, so none can be called. */
declare module "node-bacnet" {
  import type { EventEmitter } from "node:events";

  class Client {
    constructor(options: { transport: Client.Transport; apduTimeout: number });
    readProperty(
      receiver: Client.Receiver,
      object: Client.ObjectId,
      property: number,
      options: { invokeId: number; arrayIndex?: number },
      next: Client.Next,
    ): void;
    readPropertyMultiple(
      receiver: Client.Receiver,
      objects: readonly { objectId: Client.ObjectId; properties: readonly { id: number; index?: number }[] }[],
      options: { invokeId: number },
      next: Client.Next,
    ): void;
    static readonly enum: {
      readonly AbortReasonName: Readonly<Record<number, string>>;
      readonly RejectReasonName: Readonly<Record<number, string>>;
      readonly ErrorClassName: Readonly<Record<number, string>>;
      readonly ErrorCodeName: Readonly<Record<number, string>>;
    };
  }

  namespace Client {
    interface ObjectId {
      readonly type: number;
      readonly instance: number;
    }
    interface Receiver {
      readonly address: string;
    }
    interface Transport extends EventEmitter {
      open(): void;
      close(): void;
      getMaxPayload(): number;
      send(buffer: Buffer, length: number, receiver?: string): void;
    }
    /** `error` carries bacnetErrorClass and bacnetErrorCode when the device sent an Error-PDU. */
    type Next = (error: unknown, result?: unknown) => void;
  }

  export = Client;
}
