import { describe, expect, test } from "vitest";
import type { Meaning } from "../../agent/core/meaning.ts";
import { expects, modes } from "../../agent/core/modes.ts";
import { behind, dataCentre, racksOf, upses, zones } from "../../agent/simulate/centre.ts";
import { called, type Plot, play, raised } from "./night.ts";

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

describe("a generator test of half an hour", () => {
  /** The incomer is switched off; the generator has taken over after twenty seconds; at the end it goes back as briefly. */
  const out = (second: number): boolean => within(second, 300, 320) || within(second, 1500, 1520);
  const mode = modes.find(({ name }) => name === "generator-test")!;
  const expected = [...site.about].filter(([, { options }]) => expects(mode, options.means as Meaning | undefined));
  const plot = (also: Plot["value"] = () => undefined): Plot => ({
    seconds: 3000,
    value(device, point, second) {
      if (device === "incomer" && point.startsWith("voltage")) return within(second, 300, 1520) ? 0 : undefined;
      if (device.startsWith("ups-") && point === "output-source") return out(second) ? 5 : undefined;
      if (device.startsWith("crac-") && point === "running") return out(second) ? 0 : undefined;
      return also(device, point, second);
    },
    meanwhile(rehearsal, second) {
      if (second !== 200) return;
      for (const [key] of expected) {
        const by = { user: "facilities", role: "technician" } as const;
        const command = { name: "maintenance", forMs: 1_800_000, reason: mode.name, named: true, by } as const;
        expect(rehearsal.command(key, command, second * 1000)).toBeNull();
      }
    },
  });

  test("calls nobody, and tells everything", () => {
    const events = play(site, plot());
    expect(called(events)).toEqual([]);
    expect(raised(events, "supply-lost")).toHaveLength(1);
    expect(raised(events, "on-battery").length).toBeGreaterThanOrEqual(upses.length);
  });

  test("what is not expected of it calls: a leak, a rack that burns", () => {
    const events = play(
      site,
      plot((device, point, second) => {
        if (device === "leak-2" && point === "status") return second >= 400 ? 1 : undefined;
        return device === "pdu-b7" && point === "inlet-temperature" && second >= 600 ? 36 : undefined;
      }),
    );
    expect(called(events)).toEqual([
      "dc/leak-2/status/leak#0 1",
      "dc/pdu-b7/inlet-temperature/inlet-hot 1",
      "dc/pdu-b7/inlet-temperature/inlet-rising 1",
    ]);
  });

  test("a supply that is not back when it should be calls then", () => {
    const events = play(site, {
      ...plot(),
      value: (device, point, second) =>
        device === "incomer" && point.startsWith("voltage") && second >= 300 ? 0 : undefined,
    });
    expect(called(events)).toEqual(["dc/incomer/voltage-l1/supply-lost 1"]);
    expect(events.find(({ annunciate }) => annunciate)).toMatchObject({ reason: "maintenance_end" });
  });
});

describe("what must always be heard", () => {
  const trip: Plot = {
    seconds: 1800,
    value(device, point, second) {
      if (device.startsWith("crac-d") && point === "running") return second >= 300 ? 0 : 1;
      if (device === "leak-1" && point === "status") return second >= 600 ? 1 : 0;
      if (device === "pdu-d3" && point === "inlet-temperature") return second >= 600 ? 37 : 23;
      return undefined;
    },
  };
  test("water and a rack above 35 °C are heard while a cause is open", () => {
    const calls = called(play(site, trip));
    expect(calls).toContain("dc/leak-1/status/leak#0 1");
    expect(calls).toContain("dc/pdu-d3/inlet-temperature/inlet-hot 1");
  });

  test("and while all else of the hall is silenced, unless they are named themselves", () => {
    const hush = (named: boolean): Plot => ({
      ...trip,
      meanwhile(rehearsal, second) {
        if (second !== 200) return;
        for (const key of site.about.keys()) {
          const by = { user: "facilities", role: "technician" } as const;
          rehearsal.command(key, { name: "maintenance", forMs: 7_200_000, reason: "works", named, by }, second * 1000);
        }
      },
    });
    expect(called(play(site, hush(false)))).toEqual([
      "dc/zone-d/-/redundancy-lost 1",
      "dc/zone-d/-/cooling-short 1",
      "dc/pdu-d3/inlet-temperature/inlet-hot 1",
      "dc/leak-1/status/leak#0 1",
      "dc/pdu-d3/inlet-temperature/inlet-rising 1",
    ]);
    expect(called(play(site, hush(true)))).toEqual([]);
  });
});

test("what outlives its cause calls", () => {
  const zone = racksOf("c").slice(0, 2);
  const events = play(site, {
    seconds: 3600,
    value(device, point, second) {
      if (device === "crac-c1" && point === "running") return within(second, 300, 900) ? 0 : 1;
      return zone.includes(device) && point === "inlet-temperature" && second >= 600 ? 29 : undefined;
    },
  });
  const unsuppressed = events.filter(({ reason }) => reason === "unsuppressed");
  expect(unsuppressed.map(({ condition, annunciate }) => [condition.key, annunciate])).toEqual(
    zone.map((rack) => [`dc/${rack}/inlet-temperature/inlet-hot`, true]),
  );
  // Its cause is believed to be gone a minute after it is, and has two minutes more to take effect.
  expect(unsuppressed[0]!.now.at).toBe((900 + 60 + 120) * 1000);
});
