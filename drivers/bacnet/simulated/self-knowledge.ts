import type { SimulatorOptions } from "../../simulator.ts";
import { deviceObject, deviceProperties, part } from "../schema.ts";
import { characterString, encoders, objectIdentifier } from "../wire/encode.ts";

/** What a simulated device's object says of itself, by property; null: it has none such. */
export function selfKnowledge(
  identities: NonNullable<SimulatorOptions["identities"]>,
): () => ReadonlyMap<number, Buffer | null> {
  const asked = identities.flatMap(({ parts, text }) =>
    parts.map(({ name, address: written }) => ({ name, text, property: part.parse(written).property })),
  );
  return () =>
    new Map(
      asked.map(({ name, text, property }) => {
        const now = text(name);
        return [deviceProperties[property], now === null ? null : encoded(property, now)];
      }),
    );
}

function encoded(property: keyof typeof deviceProperties, text: string): Buffer {
  if (property === "vendor-identifier") return encoders.unsigned(Number(text));
  return property === "object-identifier" ? objectIdentifier(deviceObject, Number(text)) : characterString(text);
}
