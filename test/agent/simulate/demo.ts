import { join } from "node:path";
import { builtInConfig, fromDisk, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import type { Event } from "../../../agent/core/engine.ts";
import { assess } from "../../../agent/core/quality.ts";
import { commPoint } from "../../../agent/core/sample.ts";
import { hallOf } from "../../../agent/simulate/hall.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";
import { servedBy } from "../../../agent/simulate/served.ts";
import { stage } from "../../../agent/simulate/stage.ts";
import { type Story, stories } from "../../../agent/simulate/story.ts";
import { drivers } from "../../../drivers/index.ts";

/** The demo's site and its stories, for tests that ask what they come to. */
export const noSecret = () => ({ problem: "none is needed" });

const template = join(builtInConfig(), "demo-site.yaml");

export function demoSite(): Site {
  const { site, problems } = load("demo-site.yaml", fromDisk(template), drivers, noSecret);
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

export function storyNamed(name: string): Story {
  const found = stories.find((story) => story.name === name);
  if (found === undefined) throw new Error(`no story ${name}`);
  return found;
}

export interface Told {
  /** Story time, seconds. */
  readonly at: number;
  readonly event: Event;
}

export interface Performance {
  readonly seed: number;
  /** When in a second the devices are read, ms. */
  readonly phaseMs: number;
  readonly seconds: number;
}

/** Every event that the engine makes of a story, in virtual time: each point read at its own interval, and answered. */
export function perform(site: Site, story: Story, { seed, phaseMs, seconds }: Performance): Told[] {
  const play = stage(hallOf(site), story);
  const value = servedBy(site, () => ({ plant: play.plant, seed }));
  const told: Told[] = [];
  const rehearsal = rehearse(
    site.model,
    (at) => at,
    (event) => told.push({ at: event.now.at / 1000, event }),
  );
  for (let second = 0; second < seconds; second++) {
    const at = second * 1000 + phaseMs;
    play.advance(at / 1000);
    rehearsal.advance(at);
    for (const device of site.devices) {
      for (const { id, definition, intervalMs } of device.points) {
        if ((second * 1000) % intervalMs !== 0) continue;
        const raw = value(id);
        if (raw === null) throw new Error(`the simulation does not know ${id}`);
        rehearsal.sample(assess(definition, { raw }, { at, wall: at }));
      }
      rehearsal.sample({ point: commPoint(device.id), at, wall: at, quality: "good", value: 1 });
    }
    rehearsal.settle(at);
  }
  return told;
}
