import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "../../../agent/api/client.ts";
import { type Api, serveApi } from "../../../agent/api/server.ts";
import { addAccept } from "../../../agent/cli/accept.ts";
import type { Context } from "../../../agent/cli/context.ts";
import type { Agent } from "../../../agent/pipeline/agent.ts";

/** `mepwatch accept` and POST /accept: what is asked reaches the agent, what it answers reaches people. */

let folder: string;
let api: Api;
const asked: unknown[] = [];
const socket = () => join(folder, "api.sock");
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-api-"));
  const acceptDevice = (acceptance: { device: string }, preview: boolean) => {
    asked.push({ ...acceptance, preview });
    if (acceptance.device !== "ups-a") return { code: "not_found", detail: `no device "${acceptance.device}"` };
    return {
      device: "ups-a",
      was: { serial: "XY999", model: "5PX" },
      is: { serial: "AB123", model: "5PX", firmware: "2" },
    };
  };
  api = await serveApi({ acceptDevice } as unknown as Agent, "0", socket(), "engineer");
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

async function mepwatch(...args: string[]) {
  const [data, messages]: string[][] = [[], []];
  let code = -1;
  const context = {
    output: {
      data: (line: string) => data!.push(line),
      message: (line: string) => messages!.push(line),
      colour: false,
    },
    environment: { USER: "eva", MEPWATCH_SOCKET: socket() },
    exit: (given: number) => {
      code = given;
    },
  } as unknown as Context;
  const program = new Command().exitOverride().configureOutput({ writeErr: (line) => messages!.push(line.trim()) });
  addAccept(program, context);
  await program.parseAsync(["accept", ...args], { from: "user" }).catch(() => {});
  return { code, data, messages };
}

test("who, why and what for reach the agent; people see what it was and what it is", async () => {
  expect(await mepwatch("ups-a", "--reason", "card replaced", "--preview")).toEqual({
    code: 0,
    data: ["PART      WAS    IS", "serial    XY999  AB123", "model     5PX    5PX", "firmware  –      2"],
    messages: ["ups-a: nothing is changed yet."],
  });
  expect(asked.at(-1)).toEqual({
    device: "ups-a",
    by: { user: "eva", role: "engineer" },
    reason: "card replaced",
    preview: true,
  });
  const done = await mepwatch("ups-a", "--reason", "card replaced", "--user", "tom", "--json");
  expect(JSON.parse(done.data![0]!)).toMatchObject({ preview: false, device: "ups-a", is: { serial: "AB123" } });
  expect(asked.at(-1)).toMatchObject({ by: { user: "tom" }, preview: false });
});

test("a refusal names what is in the way", async () => {
  const message = 'ups-b: refused, no device "ups-b" (not_found)';
  expect(await mepwatch("ups-b", "--reason", "card replaced")).toEqual({ code: 1, data: [], messages: [message] });
});

test("without a reason nothing is asked", async () => {
  const before = asked.length;
  expect((await mepwatch("ups-a")).messages).toEqual(["error: required option '--reason <text>' not specified"]);
  expect(asked.length).toBe(before);
});

test.each<[string, object, RegExp]>([
  ["nobody", { device: "ups-a", reason: "r" }, /^user: /],
  ["a novel for a reason", { device: "ups-a", user: "eva", reason: "r".repeat(501) }, /^reason: /],
  ["a role of one's own choice", { device: "ups-a", user: "eva", reason: "r", role: "supervisor" }, /role/],
])("%s is refused", async (_, body, message) => {
  const before = asked.length;
  expect(await ask(socket(), "/accept", body)).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  expect(asked.length).toBe(before);
});
