/**
 * How much a condition flaps, in per cent, as Nagios reckons it: of 21 states, oldest first, each of the 20 changes
 * weighs from 0.75 (oldest) to 1.25 (newest). Source: nagioscore, base/flapping.c.
 */
export function nagiosFlapPercent(states: readonly number[]): number {
  const newest = states.slice(-(changes + 1));
  let weight = 0;
  for (let x = 1; x < newest.length; x++) {
    if (newest[x] !== newest[x - 1]) weight += 0.75 + (0.5 * (x - 1)) / (changes - 1);
  }
  return (weight * 100) / changes;
}

const changes = 20;
