import { type Hall, type Plant, plantOf, stepPlant } from "./plant.ts";
import { causesAt, type Story } from "./story.ts";

/**
 * A story played on a plant. Time passes in equal steps, so that the same story time gives the same plant however
 * irregularly it is asked for.
 */
export interface Stage {
  readonly plant: Plant;
  /** Plays on until this time since the start; what is past stays past. */
  advance(seconds: number): void;
}

const stepSeconds = 0.25;

export function stage(hall: Hall, story: Story): Stage {
  let plant = plantOf(hall);
  let steps = 0;
  return {
    get plant() {
      return plant;
    },
    advance(seconds) {
      for (const wanted = Math.floor(seconds / stepSeconds); steps < wanted; steps++) {
        plant = stepPlant(plant, causesAt(story, (steps + 1) * stepSeconds), stepSeconds);
      }
    },
  };
}
