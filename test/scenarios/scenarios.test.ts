import { describe, expect, test } from "vitest";
import { called, type Plot, play, raised } from "./night.ts";
import { behind, dataCentre, racksOf, upses, zones } from "./site.ts";

const site = dataCentre();

test("the site has 400 devices", () => expect(site.devices).toHaveLength(400));

const within = (second: number, from: number, to: number): boolean => second >= from && second < to;

describe("a CRAC trips over a hundred racks", () => {
  const zone = racksOf("a");
  /** Each rack warms up from minute five on, no two alike, up to 36 °C, and cools down from minute forty on. */
  const inlet = (rack: string, second: number): number => {
    const slow = 240 + 4 * zone.indexOf(rack);
    const warm = Math.min(13, (Math.max(0, second - 300) / slow) * 4);
    return 23 + warm - Math.min(warm, (Math.max(0, second - 2400) / 300) * 13);
  };
  const plot: Plot = {
    seconds: 3600,
    value(device, point, second) {
      if (device === "crac-a1" && point === "running") return within(second, 300, 2400) ? 0 : 1;
      return point === "inlet-temperature" && zone.includes(device) ? inlet(device, second) : undefined;
    },
  };
  const events = play(site, plot);

  test("a handful is called, the root first and named", () => {
    const calls = called(events);
    expect(calls).toEqual(["dc/crac-a1/running/stopped 1", "dc/zone-a/-/redundancy-lost 1", "dc/zone-a/-/hot 1"]);
  });

  test("every rack that was hot is told, with what caused it", () => {
    const hot = raised(events, "inlet-hot");
    expect(hot).toHaveLength(zones.a);
    for (const { causes, annunciate } of hot) {
      expect(annunciate).toBe(false);
      expect(causes).toContain("crac-a1/stopped");
    }
  });
});

describe("the utility is lost for two minutes", () => {
  const lost = (second: number): boolean => within(second, 300, 420);
  const plot: Plot = {
    seconds: 1200,
    value(device, point, second) {
      if (!lost(second)) return undefined;
      if (device === "incomer" && point.startsWith("voltage")) return 0;
      if (device.startsWith("ups-") && point === "output-source") return 5;
      // CRACs stop and come back with the generator.
      return device.startsWith("crac-") && point === "running" && within(second, 300, 340) ? 0 : undefined;
    },
  };
  const events = play(site, plot);

  test("a handful is called, the root first and named", () => {
    const calls = called(events);
    expect(calls).toEqual(["dc/incomer/voltage-l1/supply-lost 1"]);
  });

  test("that each UPS was on battery is told, with its cause", () => {
    const onBattery = raised(events, "on-battery").filter(({ condition }) => condition.key.includes("/ups-"));
    expect(onBattery).toHaveLength(upses.length);
  });
});

test("a switch is lost: one call, and nothing of what is behind it", () => {
  const lost = ["switch-3", ...behind("switch-3")];
  const events = play(site, {
    seconds: 1800,
    silent: (device, second) => lost.includes(device) && within(second, 300, 900),
  });
  expect(called(events)).toEqual(["dc/switch-3/-/comm 1"]);
  expect(events.map(({ kind, reason, condition }) => `${kind} ${reason ?? ""} ${condition.key}`)).toEqual([
    "raise  dc/switch-3/-/comm",
    "update unheld dc/switch-3/-/comm",
    "clear  dc/switch-3/-/comm",
  ]);
});

test("a management card that reboots calls nobody", () => {
  const events = play(site, {
    seconds: 900,
    silent: (device, second) => device === "ups-1" && within(second, 300, 390),
  });
  expect(events).toEqual([]);
});
