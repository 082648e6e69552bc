import { describe, expect, test } from "vitest";
import { admit, type Decision, type Gate } from "../../../../agent/sinks/mqtt/gate.ts";
import { isSignedBy } from "../../../../agent/sinks/mqtt/signature.ts";
import { bytesOf, names, pairs, signed, topicFor, trusted, unsigned } from "./orders.ts";

const now = Date.UTC(2026, 2, 14, 3);
const nothing: Gate["memory"] = { find: () => null, taker: () => null, forgottenTo: 0 };
const gate: Gate = { site: "s", agent: "a", keys: trusted, now, synced: true, memory: nothing };

const judged = (
  message: unknown,
  also: Partial<Gate> = {},
  inbound: { topic?: string; retain?: boolean } = {},
): Decision => {
  const { name = "ack" } = message as { name?: string };
  return admit({ topic: topicFor(name), payload: bytesOf(message), retain: false, ...inbound }, { ...gate, ...also });
};
const verdict = (decision: Decision): string => (decision.is === "refused" ? decision.refused.code : decision.is);
const detail = (decision: Decision): string => (decision.is === "refused" ? decision.refused.detail : "");

describe("what is admitted", () => {
  test.each(names)("%s, signed by whoever may say that they are that", (name) => {
    const command = signed(
      name,
      now,
      name === "sensor_replaced" ? { args: { point: "d0/temp", reason: "x" } as never } : argsOf(name),
    );
    expect(judged(command)).toEqual({ is: "command", command });
  });

  test("a signature is of the content, not of its spelling: fields in another order, with blanks, with escapes", () => {
    const command = signed("ack", now, { args: { comment: "ä „ü“ \u{1F600}" } });
    const text = JSON.stringify(Object.fromEntries(Object.entries(command).reverse()), null, 2).replace("ä", "\\u00e4");
    expect(verdict(admit({ topic: topicFor("ack"), payload: Buffer.from(text), retain: false }, gate))).toBe("command");
  });

  test.each<[string, string, string]>([
    ["boss", "supervisor", "command"],
    ["engineer", "supervisor", "forbidden"],
    ["engineer", "engineer", "command"],
    ["engineer", "viewer", "command"],
    ["hand", "engineer", "forbidden"],
    ["hand", "technician", "command"],
    ["eye", "technician", "forbidden"],
    ["eye", "service", "command"],
    ["program", "service", "command"],
    ["program", "viewer", "forbidden"],
    ["program", "supervisor", "forbidden"],
  ])("the key of %s, who says to be a %s: %s", (kid, role, expected) => {
    const command = signed("ping", now, { kid, issuedBy: { user: "kim", role: role as "viewer" } });
    expect(verdict(judged(command))).toBe(expected);
  });
});

function argsOf(name: string): object {
  const args: Record<string, object> = {
    out_of_service: { reason: "x" },
    "maintenance.start": { duration_s: 60, reason: "x" },
    "mode.start": { mode: "generator-test", duration_s: 60, reason: "x" },
    "mode.end": { mode: "generator-test" },
  };
  return args[name] === undefined ? {} : { args: args[name] };
}

describe("what is tampered with is refused, whatever was changed", () => {
  const whole = signed("shelve", now, {
    target: { conditionKey: "s/d0/temp/hot" },
    expectedRev: 3,
    preview: true,
    args: { duration_s: 60, reason: "works", second: "ana", breakGlass: false },
  });
  type Path = readonly string[];
  const changes: readonly [path: Path, to: unknown, code: string][] = [
    [["name"], "ack", "invalid_args"],
    [["cmdId"], "00000000-0000-4000-8000-ffffffffffff", "bad_signature"],
    [["site"], "t", "forbidden"],
    [["agent"], "b", "forbidden"],
    [["issuedBy", "user"], "lee", "bad_signature"],
    [["issuedBy", "role"], "engineer", "bad_signature"],
    [["issuedAt"], new Date(now + 1).toISOString(), "bad_signature"],
    [["exp"], new Date(now + 60_001).toISOString(), "bad_signature"],
    [["nonce"], "another-another-another", "bad_signature"],
    [["kid"], "engineer", "bad_signature"],
    [["kid"], "nobody", "bad_signature"],
    [["sig"], `${whole.sig.startsWith("A") ? "B" : "A"}${whole.sig.slice(1)}`, "bad_signature"],
    [["sig"], "A".repeat(86), "bad_signature"],
    [["args", "duration_s"], 61, "bad_signature"],
    [["args", "reason"], "worse", "bad_signature"],
    [["args", "second"], "lee", "bad_signature"],
    [["args", "breakGlass"], true, "bad_signature"],
    [["target", "conditionKey"], "s/d0/door/open", "bad_signature"],
    [["target"], { selector: "class=test" }, "bad_signature"],
    [["expectedRev"], 4, "bad_signature"],
    [["preview"], false, "bad_signature"],
    // Left out, or put in.
    [["preview"], undefined, "bad_signature"],
    [["expectedRev"], undefined, "bad_signature"],
    [["args", "duration_s"], undefined, "bad_signature"],
    [["args", "second"], undefined, "bad_signature"],
    [["nonce"], undefined, "invalid_args"],
    [["sig"], undefined, "invalid_args"],
    [["more"], 1, "invalid_args"],
    [["args", "more"], 1, "invalid_args"],
    [["__proto__"], { preview: false }, "bad_signature"],
  ];
  const leaves = (value: object, path: Path = []): Path[] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === "object" ? leaves(inner as object, [...path, key]) : [[...path, key]],
    );

  test("as it is, it is obeyed; and each of its fields has a case", () => {
    expect(verdict(judged(whole))).toBe("command");
    const tried = changes.map(([path]) => path.join("."));
    expect(leaves(whole).filter((path) => !tried.includes(path.join(".")))).toEqual([]);
  });

  test.each(changes)("%s → %j: %s", (path, to, code) => {
    const changed = changedAt(whole, path, to);
    // On the topic it came on.
    const decision = admit({ topic: topicFor("shelve"), payload: Buffer.from(changed), retain: false }, gate);
    expect(verdict(decision)).toMatch(path[0] === "__proto__" ? /bad_signature|invalid_args/ : new RegExp(`^${code}$`));
  });

  test("a command of another name, signed for that name, is not obeyed on this topic", () => {
    const decision = judged(signed("ping", now), {}, { topic: topicFor("snapshot") });
    expect(verdict(decision)).toBe("invalid_args");
    expect(detail(decision)).toContain("name: it is ping, on the topic of snapshot");
  });
});

/** The JSON of it, as a stranger would write it: `__proto__` is a field like another there. */
function changedAt(whole: object, [first = "", second]: readonly string[], to: unknown): string {
  const copy = structuredClone(whole) as Record<string, Record<string, unknown> | unknown>;
  const at = second === undefined ? copy : (copy[first] as Record<string, unknown>);
  const key = second ?? first;
  if (to === undefined) delete at[key];
  else Object.defineProperty(at, key, { value: to, enumerable: true, configurable: true });
  return JSON.stringify(copy);
}

describe("what is wrong with it is said, the first thing first", () => {
  const at = (issued: number, life: number) =>
    signed("ping", now, {
      issuedAt: new Date(issued).toISOString(),
      exp: new Date(issued + life).toISOString(),
    });
  test.each<[string, unknown, string, RegExp]>([
    ["no JSON", "{", "invalid_args", /no JSON/],
    ["no UTF-8", "bytes", "invalid_args", /no JSON in UTF-8/],
    ["a list", "[]", "invalid_args", /object/],
    ["null", "null", "invalid_args", /object/],
    ["nested without end", "[".repeat(60_000), "invalid_args", /JSON|object/],
    ["too long", `"${"x".repeat(64 * 1024)}"`, "invalid_args", /65538 bytes; expected 65536/],
    [
      "no such command",
      { ...signed("ping", now), name: "reboot" },
      "invalid_args",
      /^name: expected one of ack, unack/,
    ],
    ["a name of every object", { ...signed("ping", now), name: "constructor" }, "invalid_args", /^name: /],
    ["a wrong argument", { ...signed("shelve", now), args: { reason: "" } }, "invalid_args", /^args\.reason: /],
    ["no signature", unsigned("ping", now), "invalid_args", /^sig: /],
    ["signed by a stranger", signed("ping", now, { kid: "stranger" }), "bad_signature", /no key "stranger"/],
    [
      "signed with another key than it says",
      signed("ping", now, {}, "stranger"),
      "bad_signature",
      /not signed by key "boss"/,
    ],
    [
      "half a character",
      `{"name":"ack","args":{"comment":"\\ud800"},${JSON.stringify({ ...signed("ack", now), name: undefined, args: undefined }).slice(1)}`,
      "bad_signature",
      /not signed/,
    ],
    ["over", at(now - 30_001, 30_000), "expired", /it was void from 2026-03-14T02:59:59.999Z on/],
    ["over just now", at(now - 30_000, 30_000), "command", /^$/],
    ["to hold for too long", at(now, 60_001), "expired", /expected 60 s at most/],
    ["void before it was issued", at(now, -1), "expired", /expected 60 s at most/],
    ["from the future", at(now + 60_001, 30_000), "expired", /it is only 2026-03-14T03:00:00.000Z here/],
    ["from the near future", at(now + 60_000, 30_000), "command", /^$/],
  ])("%s", (_, message, code, words) => {
    const payload = message === "bytes" ? Buffer.from([0x7b, 0xff, 0x7d]) : bytesOf(message);
    const { name = "ack" } = message as { name?: string };
    const decision = admit({ topic: topicFor(name), payload, retain: false }, gate);
    expect([verdict(decision), detail(decision)]).toEqual([code, expect.stringMatching(words)]);
  });

  test("retained comes before all else, and still says whose it was", () => {
    const command = signed("ping", now);
    for (const message of [command, "{", { ...command, sig: "x" }])
      expect(verdict(judged(message, {}, { retain: true, topic: topicFor("ping") }))).toBe("retained");
    expect(judged(command, {}, { retain: true })).toMatchObject({ refused: { cmdId: command.cmdId, name: "ping" } });
  });

  test("whom nobody has signed for is not named", () => {
    const forged = { ...signed("ping", now), issuedBy: { user: "lee", role: "supervisor" } };
    expect(judged(forged)).toMatchObject({ refused: { by: null, kid: "boss" } });
    const late = at(now - 90_000, 1000);
    expect(judged(late)).toMatchObject({ refused: { by: { user: "kim", role: "supervisor" } } });
  });

  test("a text of any length is told in a few words", () => {
    const decision = judged({ ...signed("ping", now), ["x".repeat(30_000)]: 1 });
    expect(verdict(decision)).toBe("invalid_args");
    expect(detail(decision).length).toBeLessThanOrEqual(300);
  });
});

describe("what was seen before", () => {
  const before = { result: '{"status":"ok","detail":"done"}' };
  const command = signed("ack", now);
  const seen = (also: Partial<Gate["memory"]>) => ({ memory: { ...nothing, ...also } });

  test("the same id is a duplicate, also when its time is over, and whatever else it says", () => {
    const memory = seen({ find: (cmdId) => (cmdId === command.cmdId ? before : null), taker: () => command.cmdId });
    expect(judged(command, memory)).toEqual({ is: "duplicate", command, before });
    expect(verdict(judged(command, { ...memory, now: now + 3_600_000 }))).toBe("duplicate");
    expect(verdict(judged(signed("ack", now, { cmdId: command.cmdId }), memory))).toBe("duplicate");
  });

  test("but is asked for only by who has signed it, and on its topic", () => {
    const memory = seen({ find: () => before });
    expect(verdict(judged({ ...command, nonce: "another-another-1" }, memory))).toBe("bad_signature");
    expect(verdict(judged(command, memory, { topic: topicFor("reset") }))).toBe("invalid_args");
    expect(verdict(judged(command, memory, { retain: true }))).toBe("retained");
  });

  test("a nonce that another command has taken is void", () => {
    const decision = judged(command, seen({ taker: (nonce) => (nonce === command.nonce ? "other" : null) }));
    expect([verdict(decision), detail(decision)]).toEqual(["expired", "its nonce was taken by another command"]);
  });

  test("what is looked up is never what a stranger says", () => {
    const asked: string[] = [];
    const note = (what: string): null => {
      asked.push(what);
      return null;
    };
    const memory = seen({ find: note, taker: note });
    judged({ ...command, sig: "A".repeat(86) }, memory);
    judged(signed("ack", now, { kid: "stranger" }), memory);
    expect(asked).toEqual([]);
    judged(command, memory);
    expect(asked).toEqual([command.cmdId, command.nonce]);
  });
});

describe("while the system says that its clock is wrong", () => {
  const years = 3 * 365 * 86_400_000;
  test.each([-years, years])("the time does not count, %d ms off; the nonce does", (off) => {
    const command = signed("ping", now + off);
    expect(verdict(judged(command))).toBe("expired");
    expect(verdict(judged(command, { synced: null }))).toBe("expired");
    expect(verdict(judged(command, { synced: false }))).toBe("command");
    expect(verdict(judged(command, { synced: false, memory: { ...nothing, taker: () => "other" } }))).toBe("expired");
  });

  test("nor is it longer than it may hold", () => {
    const long = signed("ping", now, { exp: new Date(now + 60_001).toISOString() });
    expect(verdict(judged(long, { synced: false }))).toBe("expired");
  });

  test("what is as old as what was forgotten may have been done", () => {
    const memory = { ...nothing, forgottenTo: now };
    expect(verdict(judged(signed("ping", now), { synced: false, memory }))).toBe("expired");
    expect(verdict(judged(signed("ping", now + 1), { synced: false, memory }))).toBe("command");
    expect(verdict(judged(signed("ping", now), { synced: true, memory }))).toBe("command");
  });
});

test("a signature is that of OpenSSL over the RFC 8785 text", async () => {
  const { verify } = await import("node:crypto");
  const command = signed("shelve", now, { args: { reason: "äß\n\u2028", duration_s: 60 } });
  const { issuedAt, exp, cmdId, nonce } = command;
  const text = `{"agent":"a","args":{"duration_s":60,"reason":"äß\\n\u2028"},"cmdId":"${cmdId}","exp":"${exp}","issuedAt":"${issuedAt}","issuedBy":{"role":"supervisor","user":"kim"},"kid":"boss","name":"shelve","nonce":"${nonce}","site":"s","target":{"conditionKey":"s/d0/door/open"}}`;
  const sig = Buffer.from(command.sig, "base64url");
  expect(verify(null, Buffer.from(text), pairs.boss!.publicKey, sig)).toBe(true);
  expect(isSignedBy(command, pairs.boss!.publicKey)).toBe(true);
  expect(isSignedBy(command, pairs.engineer!.publicKey)).toBe(false);
});
