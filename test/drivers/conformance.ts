import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { realEnv } from "../../agent/env.ts";
import { answered, type Reading } from "../../drivers/driver.ts";
import { fakeEnv } from "../env.ts";
import {
  counting,
  type Fixture,
  faultsOf,
  idOf,
  idsOf,
  mebibyte,
  memory,
  more,
  onStage,
  pointsOf,
  resources,
  type Stage,
  servedBy,
  turns,
  valuesOf,
} from "./stage.ts";

/**
 * drivers/driver.ts in executable form: what each protocol must show, as one table. A new driver is done when
 * `conformance("name", { driver, startSimulator, bus, device, points, parts })` passes against its own simulator. Each test is
 * named `PROTOCOL conforms: BEHAVIOUR`.
 */
/** Ample: for reads that succeed, so that a busy machine does not fail them. */
const patientMs = 5000;
/** For reads that run into their deadline. */
const hastyMs = 200;
/** Only for what hangs: when a deadline is kept in truth is for the tests under virtual time. */
const hangsMs = 15_000;

/** Fails with what hangs, rather than with the time-out of a whole test. */
async function notHanging<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${hangsMs} ms`)), hangsMs);
  });
  return Promise.race([work, hanging]).finally(() => clearTimeout(timer));
}

type Behave = (behaviour: string, play: () => Promise<void> | void) => void;

export function conformance(name: string, fixture: Fixture): void {
  const together: Behave = (behaviour, play) => test.concurrent(`${name} conforms: ${behaviour}`, async () => play());
  const alone: Behave = (behaviour, play) => test(`${name} conforms: ${behaviour}`, play, 120_000);
  for (const behaviours of [planning, documenting]) behaviours(fixture, alone);
  for (const behaviours of [reading, identifying, misbehaving, restarting, neighbouring, closing])
    behaviours(fixture, together);
  for (const behaviours of [keepingTime, flooding, leaking]) behaviours(fixture, alone);
}

function planning(fixture: Fixture, behave: Behave): void {
  const { driver } = fixture;
  const bus = driver.bus.parse(fixture.bus("127.0.0.1", 1));
  const points = pointsOf(fixture);

  behave("a plan is the same for the same points in any order", () => {
    const plan = driver.plan(points, bus);
    expect(driver.plan(points, bus)).toEqual(plan);
    expect(driver.plan(points.toReversed(), bus)).toEqual(plan);
    for (const turn of points.keys()) {
      expect(driver.plan([...points.slice(turn), ...points.slice(0, turn)], bus)).toEqual(plan);
    }
  });

  behave("a plan has each point in exactly one request", () => {
    expect(idsOf(driver.plan(points, bus)).toSorted()).toEqual(points.map(({ id }) => id).toSorted());
  });

  behave("a plan asks nothing for no points", () => {
    expect(driver.plan([], bus)).toEqual([]);
  });
}

function reading(fixture: Fixture, behave: Behave): void {
  behave("each point is answered once, in the request's order, with the value served", async () => {
    await onStage(fixture, async ({ requests, readAll }) => {
      for (let round = 0; round < 3; round++) {
        const readings = await readAll(patientMs);
        expect(readings.map(({ point }) => point)).toEqual(idsOf(requests));
        expect(valuesOf(readings)).toEqual(servedBy(fixture));
      }
    });
  });

  behave("what is read is what the device holds now", async () => {
    await onStage(fixture, async ({ values, readAll }) => {
      await readAll(patientMs);
      for (const id of values.keys()) values.set(id, 1);
      expect(valuesOf(await readAll(patientMs))).toEqual(Object.fromEntries(values));
    });
  });

  for (const missing of fixture.points.keys())
    behave(`a missing point ${missing} does not blind the others`, async () => {
      await onStage(fixture, async ({ values, readAll }) => {
        values.set(idOf(missing), null);
        for (let round = 0; round < 2; round++) {
          const readings = await readAll(patientMs);
          const bad = readings.filter((one) => "fault" in one);
          expect(bad).toEqual([
            { point: idOf(missing), fault: expect.any(String), detail: expect.stringMatching(/./) },
          ]);
          expect(faultsOf(bad)).toBeOneOf([["no_such_point"], ["device_error"]]);
          const others = Object.entries(servedBy(fixture)).filter(([id]) => id !== idOf(missing));
          expect(valuesOf(readings)).toEqual(Object.fromEntries(others));
        }
      });
    });
}

function identifying(fixture: Fixture, behave: Behave): void {
  const served = fixture.parts.map(({ text }, i) => ({ part: `part${i}`, text }));

  behave("a device tells who it is, part by part in their order, between reads", async () => {
    await onStage(fixture, async ({ identify, readAll }) => {
      for (let round = 0; round < 3; round++) {
        expect(await identify(patientMs)).toEqual(served);
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });

  for (const i of fixture.parts.keys())
    behave(`a part ${i} that a device does not have is not told, the others are`, async () => {
      await onStage(fixture, async ({ identify, texts }) => {
        texts.set(`part${i}`, null);
        const told = await identify(patientMs);
        expect(told.filter((one) => "text" in one)).toEqual(served.filter(({ part }) => part !== `part${i}`));
        expect(told[i]).toEqual({ part: `part${i}`, fault: expect.any(String), detail: expect.stringMatching(/./) });
        expect(answered(told)).toBe(true);
        expect(answered([told[i]!])).toBe(true);
      });
    });

  const shown = [
    ["nothing but blanks", "  ", undefined],
    ["padding", "  AB 12 \0\0", "AB 12"],
    ["what cannot be seen", "A\u0007B", "A\\u{7}B"],
    ["letters of any language", "Größe 7", "Größe 7"],
  ] as const;
  for (const [what, text, expected] of shown)
    behave(`who a device is, ${what}, is told as people can read it`, async () => {
      await onStage(fixture, async ({ identify, texts }) => {
        texts.set("part0", text);
        const [told] = await identify(patientMs);
        expect("text" in told! ? told.text : undefined).toBe(expected);
      });
    });

  behave("a long text of who a device is is bounded", async () => {
    await onStage(fixture, async ({ identify, texts }) => {
      texts.set("part0", "x".repeat(200));
      const [told] = await identify(patientMs);
      expect("text" in told! && told.text).toMatch(/^x{16,128}$/);
    });
  });

  for (const [how, reachable] of [
    ["silent", false],
    ["slow", false],
    ["rubbish", false],
    ["error", true],
  ] as const)
    behave(`asked who it is, a device that is ${how} tells nothing, in time, and is well again`, async () => {
      await onStage(fixture, async ({ simulator, identify, readAll }) => {
        for (let round = 0; round < 2; round++) {
          simulator.misbehave(how);
          for (let again = 0; again < 4; again++) {
            const told = await notHanging(identify(reachable ? patientMs : hastyMs));
            expect(told.map((one) => [one.part, "text" in one])).toEqual(served.map(({ part }) => [part, false]));
            expect(answered(told)).toBe(reachable);
          }
          simulator.misbehave("none");
          expect(await identify(patientMs)).toEqual(served);
          expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
        }
      });
    });

  behave("asked who it is after the close, and in its middle, a device tells nothing", async () => {
    await onStage(fixture, async ({ simulator, identify, close }) => {
      simulator.misbehave("silent");
      const [told] = await Promise.all([identify(hastyMs), close()]);
      expect(answered(told)).toBe(false);
      expect(answered(await identify(hastyMs))).toBe(false);
    });
  });
}

/** What each fault is to be, by what the simulator is told. */
const badly = [
  { what: "a silent device is bad/timeout", how: "silent", allowed: ["timeout"], reachable: false },
  { what: "a slow device is bad/timeout", how: "slow", allowed: ["timeout"], reachable: false },
  { what: "garbage is bad/bad_reply or timeout", how: "rubbish", allowed: ["bad_reply", "timeout"], reachable: false },
  {
    what: "a refusal is bad/device_error (an exception, an error), the device still reachable",
    ...{ how: "error", allowed: ["device_error"], reachable: true },
  },
] as const;

function misbehaving(fixture: Fixture, behave: Behave): void {
  for (const { what, how, allowed, reachable } of badly)
    behave(`${what}, and well again after`, async () => {
      await onStage(fixture, async ({ simulator, readAll, readBad }) => {
        await readAll(patientMs);
        for (let round = 0; round < 2; round++) {
          simulator.misbehave(how);
          for (let again = 0; again < 2; again++) {
            const readings = await readBad(reachable ? patientMs : hastyMs);
            for (const fault of faultsOf(readings)) expect(allowed).toContain(fault);
            expect(answered(readings)).toBe(reachable);
          }
          simulator.misbehave("none");
          expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
        }
      });
    });
}

function restarting(fixture: Fixture, behave: Behave): void {
  const isAway = (readings: readonly Reading[]): void => {
    for (const fault of faultsOf(readings)) expect(["unreachable", "timeout"]).toContain(fault);
    expect(answered(readings)).toBe(false);
  };

  behave("nobody listening is bad/unreachable or timeout, again and again, and well when somebody does", async () => {
    await onStage(fixture, async ({ simulator, readAll, readBad }) => {
      await simulator.close();
      for (let again = 0; again < 3; again++) isAway(await readBad(hastyMs));
      await simulator.restart();
      expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
    });
  });

  behave("a device that restarts between two reads costs one of them at most", async () => {
    await onStage(fixture, async ({ simulator, session, requests, readAll }) => {
      for (let again = 0; again < 3; again++) {
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
        await simulator.close();
        await simulator.restart();
        // What it is asked may be on its way over the connection that is no more.
        const readings = await session.read(requests[0]!, hastyMs);
        if (faultsOf(readings).length > 0) isAway(readings);
      }
      expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
    });
  });

  behave("a device that restarts in the middle of a read is bad, and well again after", async () => {
    await onStage(fixture, async ({ simulator, readAll, readBad }) => {
      await readAll(patientMs);
      for (let again = 0; again < 2; again++) {
        simulator.misbehave("silent");
        const [readings] = await Promise.all([readBad(hastyMs), simulator.close()]);
        isAway(readings);
        await simulator.restart();
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });
}

function neighbouring(fixture: Fixture, behave: Behave): void {
  for (const how of ["silent", "slow", "rubbish"])
    behave(`a device on another bus is read right while one is ${how}`, async () => {
      await onStage(fixture, async ({ simulator, readAll, env, shared, close }) => {
        simulator.misbehave(how);
        // Longer than the test: what is waited for is nobody else's.
        let over = false;
        const waiting = readAll(10 * hangsMs).finally(() => {
          over = true;
        });
        await onStage(
          fixture,
          async (neighbour) => {
            for (let round = 0; round < 3; round++)
              expect(valuesOf(await neighbour.readAll(patientMs))).toEqual(servedBy(fixture));
          },
          { env, shared },
        );
        if (how === "silent") expect(over).toBe(false);
        await close();
        await notHanging(waiting);
      });
    });

  const { driver, device, neighbour } = fixture;
  if (neighbour === undefined) return;
  for (const how of ["silent", "slow", "rubbish", "error"])
    behave(`the next device on the same bus is read right after one that is ${how}`, async () => {
      await onStage(fixture, async ({ simulator, readAll, readBad, readNeighbour }) => {
        simulator.misbehave(how, driver.device.parse(device));
        for (let round = 0; round < 2; round++) {
          await readBad(hastyMs);
          expect(valuesOf(await readNeighbour(patientMs))).toEqual(servedBy(fixture, "neighbour"));
        }
        simulator.misbehave("none");
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
        expect(valuesOf(await readNeighbour(patientMs))).toEqual(servedBy(fixture, "neighbour"));
      });
    });
}

function closing(fixture: Fixture, behave: Behave): void {
  behave("close comes as often as one likes; what is read afterwards are faults", async () => {
    await onStage(fixture, async ({ close, readAll, readBad }) => {
      await readAll(patientMs);
      await Promise.all([close(), close()]);
      await close();
      expect(answered(await readBad(hastyMs))).toBe(false);
    });
  });

  behave("close comes without a read, and in the middle of one", async () => {
    await onStage(fixture, async ({ close }) => close());
    await onStage(fixture, async ({ close, simulator, readBad }) => {
      simulator.misbehave("silent");
      const [readings] = await Promise.all([readBad(hastyMs), close()]);
      expect(answered(readings)).toBe(false);
    });
  });
}

/** On a clock that stands still unless it is moved: a read that is over by then kept its deadline, however busy the machine. */
function keepingTime(fixture: Fixture, behave: Behave): void {
  const withClock = (play: (stage: Stage, passes: (ms: number) => Promise<void>) => Promise<void>) => {
    const env = fakeEnv();
    return onStage(
      fixture,
      (stage) =>
        play(stage, async (ms) => {
          for (let passed = 0; passed < ms; passed += 20) {
            await env.advance(20);
            await turns(2);
          }
        }),
      { env },
    );
  };

  for (const how of ["silent", "slow", "rubbish", "flood"])
    behave(`a device that is ${how} keeps nobody longer than the deadline`, async () => {
      await withClock(async ({ simulator, session, requests }, passes) => {
        const [request] = requests;
        const isRead = (readings: readonly Reading[]) => expect(faultsOf(readings)).toEqual([]);
        isRead(await notHanging(session.read(request!, patientMs)));
        simulator.misbehave(how);
        for (let again = 0; again < 2; again++) {
          let over = false;
          const reading = session.read(request!, 700).finally(() => {
            over = true;
          });
          await turns(20);
          if (how === "silent") expect(over).toBe(false);
          await passes(720);
          expect(faultsOf(await notHanging(reading))).toHaveLength(request!.points.length);
        }
      });
    });

  behave("nobody listening keeps nobody longer than the deadline", async () => {
    await withClock(async ({ simulator, session, requests }, passes) => {
      await simulator.close();
      const reading = session.read(requests[0]!, 700);
      await turns(20);
      await passes(720);
      expect(answered(await notHanging(reading))).toBe(false);
    });
  });
}

function flooding(fixture: Fixture, behave: Behave): void {
  behave("a flood, asked for or not, is bad in bounded memory, and well again after", async () => {
    await onStage(fixture, async ({ simulator, session, requests, readAll, readBad }) => {
      expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      const before = memory();
      const isBad = (readings: readonly Reading[]): void => {
        for (const fault of faultsOf(readings)) expect(["bad_reply", "timeout", "unreachable"]).toContain(fault);
        expect(answered(readings)).toBe(false);
      };
      for (let round = 0; round < 2; round++) {
        simulator.misbehave("flood");
        await turns(20); // what nobody asked for
        isBad(await readBad(hastyMs));
        // What a driver would keep of it has had time to become much.
        const reading = session.read(requests[0]!, 2000);
        await pause(1500);
        const taken = memory() - before;
        isBad(await reading);
        expect(taken / mebibyte).toBeLessThan(16);
        simulator.misbehave("none");
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });
}

/** So many good reads, and so many of each bad kind, in turn: 10,000 together. */
const cycles = { good: 9700, bad: 100 } as const;

function leaking(fixture: Fixture, behave: Behave): void {
  behave("10,000 cycles leak no socket, no timer and no memory", async () => {
    const { env, open: timers } = counting(realEnv({ logLevel: "silent" }));
    const { driver } = fixture;
    await onStage(
      fixture,
      async ({ simulator, session, requests }) => {
        const [request] = requests;
        const read = async (timeoutMs: number): Promise<boolean> => answered(await session.read(request!, timeoutMs));
        const isWell = async (): Promise<void> => expect(faultsOf(await session.read(request!, patientMs))).toEqual([]);
        async function bad(how: string, device?: unknown): Promise<void> {
          simulator.misbehave(how, device);
          await read(10);
          simulator.misbehave("none");
        }
        async function reopened(): Promise<void> {
          await simulator.close();
          await read(10);
          await simulator.restart();
          await read(hastyMs); // which a restart may cost
        }
        async function play(good: number, times: number): Promise<void> {
          for (let nth = 0; nth < times; nth++) {
            await bad("silent", driver.device.parse(fixture.device));
            await isWell();
            await bad("rubbish");
            await isWell();
            await reopened();
            for (let more = 2; more < good / times; more++) await isWell();
          }
        }
        await play(200, 5);
        const before = { memory: memory(), resources: resources(), timers: timers() };
        await play(cycles.good, cycles.bad);
        for (let again = 0; again < 100 && more(resources(), before.resources).length > 0; again++) await pause(100);
        expect(more(resources(), before.resources)).toEqual([]);
        expect(timers()).toBeLessThanOrEqual(before.timers);
        expect((memory() - before.memory) / mebibyte).toBeLessThan(16);
      },
      { env },
    );
    expect(timers()).toBe(0);
  });
}

function documenting({ driver }: Fixture, behave: Behave): void {
  for (const part of ["bus", "device", "address", "part"] as const)
    behave(`every option of ${part} says what it is`, () => {
      expect(undescribed(z.toJSONSchema(driver[part]!, { io: "input" }), part)).toEqual([]);
    });
  const { listening } = driver;
  if (listening === undefined) return;
  for (const part of ["options", "trap"] as const)
    behave(`every option of a listener's ${part} says what it is`, () => {
      expect(undescribed(z.toJSONSchema(listening[part], { io: "input", unrepresentable: "any" }), part)).toEqual([]);
    });
}

/** Paths of the properties, at any depth, that lack a description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) => {
    if (key !== "properties") return undescribed(inner, path);
    return Object.entries<{ description?: string }>(inner).flatMap(([name, option]) => [
      ...(option.description ? [] : [`${path}.${name}`]),
      ...undescribed(option, `${path}.${name}`),
    ]);
  });
}
