import type { Env } from "../../agent/env.ts";
import { deadlineIn } from "../deadline.ts";
import type { Inquiry, Learnt, Reading, Session, Told } from "../driver.ts";
import { isOverRows, type Part } from "./address.ts";
import { toldOf } from "./codec.ts";
import { communityBased } from "./community.ts";
import type { Dialect } from "./dialect.ts";
import { type Engines, enginesOf } from "./engines.ts";
import { type Finder, finder } from "./finder.ts";
import { type Getter, getter } from "./getter.ts";
import { type Memory, memoryOf } from "./learnt.ts";
import type { Request } from "./plan.ts";
import { type Requester, requester } from "./requester.ts";
import { type Bus, type Device, defaultCommunity } from "./schema.ts";
import { readTable } from "./tables.ts";
import { userBased } from "./user-based.ts";
import { type Walker, walker } from "./walker.ts";

/** Reads one device, one request at a time: single values first, then the table, so that they do not wait for its walk. */
export class SnmpSession implements Session<Request> {
  readonly #env: Env;
  readonly #requester: Requester;
  readonly #getter: Getter;
  readonly #walker: Walker;
  readonly #finder: Finder;
  readonly #memory: Memory;

  constructor(bus: Bus, env: Env, engines: Engines = enginesOf(env), learnt?: Learnt) {
    this.#env = env;
    this.#requester = requester(env, bus, dialectOf(bus, env, engines), (peer) => engines.place(bus, peer));
    this.#memory = memoryOf(learnt, bus.maxOids, env);
    this.#getter = getter(this.#requester, this.#memory.known);
    this.#walker = walker(this.#requester, this.#memory.known);
    this.#finder = finder(this.#getter, this.#walker);
  }

  async read({ points }: Request, timeoutMs: number): Promise<readonly Reading[]> {
    const by = deadlineIn(this.#env, timeoutMs);
    this.#memory.begin();
    const single = points.filter(({ address }) => !isOverRows(address));
    const table = points.filter(({ address }) => isOverRows(address));
    const readings = new Map(await this.#finder.read(single, by));
    if (table.length > 0) {
      const parts = { walker: this.#walker, getter: this.#getter };
      for (const one of await readTable(table, parts, by)) readings.set(one.point, one);
    }
    this.#memory.end();
    return points.map(({ id }) => readings.get(id) ?? { point: id, fault: "bad_reply", detail: "nothing came of it" });
  }

  async identify({ parts }: Inquiry<Device, Part>, timeoutMs: number): Promise<readonly Told[]> {
    const asked = parts.map(({ name, address: { oid } }) => ({ id: name, oids: [oid] }));
    const found = await this.#getter.get(asked, deadlineIn(this.#env, timeoutMs));
    return parts.map(({ name, address: { oid } }) => toldOf(name, oid, found.get(name)));
  }

  async close(): Promise<void> {
    this.#requester.close();
  }
}

function dialectOf(bus: Bus, env: Env, engines: Engines): Dialect {
  const { version, community, user = "", auth, priv, context = "" } = bus;
  if (version === 3) return userBased({ user, auth, priv, context }, env, (told) => engines.proven(bus, told));
  return communityBased(version, community?.reveal() ?? defaultCommunity);
}
