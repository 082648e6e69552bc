import { receive } from "../../agent/sinks/stream.ts";
import type { Heard } from "./centre.ts";
import type { Living } from "./contacts.ts";

/** What of what was heard is not what was true; nothing if all is well. */
export function wrongIn(heard: Heard, truth: Living["truth"]): string[] {
  const { missing, lost, epochResets, otherEpoch } = receive(heard.stream);
  return [
    ...[...truth].flatMap(([key, { raises, clears }]) => [
      ...unequal(`raises of ${key}`, heard.count(key, "raise"), raises),
      ...unequal(`clears of ${key}`, heard.count(key, "clear"), clears),
    ]),
    ...unequal("epochs beyond the first", epochResets + otherEpoch, 0),
    ...[...missing, ...lost].map(([from, to]) => `never received: ${from}–${to}`),
    ...brokenLives(heard, truth),
    ...[...heard.active.values()].filter((key) => truth.has(key)).map((key) => `still shown as open: ${key}`),
  ];
}

export const unequal = (what: string, got: unknown, wanted: unknown): string[] =>
  got === wanted ? [] : [`${what}: ${got} instead of ${wanted}`];

/** An incident is raised once and cleared once, in this order, under one id. */
function brokenLives({ events }: Heard, truth: Living["truth"]): string[] {
  const lives = new Map<string, string[]>();
  for (const { data } of [...events.values()].sort((a, b) => a.data.seq - b.data.seq)) {
    // So much happens that it is a flood, which goes on.
    if (truth.has(data.conditionKey))
      lives.set(data.incidentId, [...(lives.get(data.incidentId) ?? []), `${data.rev} ${data.kind}`]);
  }
  return [...lives].flatMap(([id, life]) => unequal(`life of ${id}`, life.join(", "), "1 raise, 2 clear"));
}
