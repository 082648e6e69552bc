import { expect, test } from "vitest";
import { broadcast, distributed, registration } from "../../../drivers/bacnet/wire/packet.ts";
import { fakeEnv } from "../../env.ts";
import { asker, host } from "./asker.ts";
import { bbmd } from "./bbmd.ts";
import { hex } from "./device.ts";

/** The BBMD of the tests keeps annex J, so that what passes with it would with another. */

const whoIs = hex("1008");
const everywhere = { destination: { network: 65_535, mac: "" } };
/** Forwarded-NPDU of the Who-Is, from a port of this machine. */
const forwardedFrom = (port: number) => `810400127f000001${port.toString(16).padStart(4, "0")}0120ffff00ff1008`;

async function stage() {
  const env = fakeEnv();
  const [local, foreign, other] = await Promise.all([asker(), asker(), asker()]);
  const one = await bbmd(env, [{ host, port: local.port }]);
  const register = (who: typeof foreign, ttlS: number) => who.ask(registration(ttlS), one.port);
  return { env, one, local, foreign, other, register };
}

test("who registers hears what is broadcast in the segment, and has its broadcasts made there and with the others", async () => {
  const { one, local, foreign, other, register } = await stage();
  expect(await register(foreign, 60)).toBe("810000060000");
  expect(await register(other, 60)).toBe("810000060000");
  local.send(broadcast(whoIs, everywhere), one.port);
  expect((await foreign.next()).octets).toBe(forwardedFrom(local.port));
  expect((await other.next()).octets).toBe(forwardedFrom(local.port));
  foreign.send(distributed(whoIs, everywhere), one.port);
  expect((await local.next()).octets).toBe(forwardedFrom(foreign.port));
  expect((await other.next()).octets).toBe(forwardedFrom(foreign.port));
});

test("a registration holds for its time to live and half a minute", async () => {
  const { env, one, foreign, register } = await stage();
  await register(foreign, 60);
  await env.advance(89_999);
  expect(one.foreign()).toEqual([{ host, port: foreign.port }]);
  await env.advance(1);
  expect(one.foreign()).toEqual([]);
  expect(await foreign.ask(distributed(whoIs, everywhere), one.port)).toBe("810000060060");
});

test("it refuses, or is silent, as it is told", async () => {
  const { one, foreign, register } = await stage();
  one.refuse();
  expect(await register(foreign, 60)).toBe("810000060030");
  expect(one.foreign()).toEqual([]);
  one.hush();
  foreign.send(registration(60), one.port);
  foreign.send(registration(60), foreign.port); // to itself: comes after what would have come
  expect((await foreign.next()).octets).toBe("81050006003c");
});
