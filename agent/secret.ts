import * as z from "zod";

/** A value that prints as `[secret]` wherever it ends up: logs, JSON, errors, the debugger. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return "[secret]";
  }
  toJSON(): string {
    return "[secret]";
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** Schema of a secret setting; references such as `${file:…}` are resolved before it sees the text. */
export const secret = z
  .string("a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}")
  .transform((text) => new Secret(text))
  .meta({ writeOnly: true });
