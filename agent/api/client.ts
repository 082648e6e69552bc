import { request } from "node:http";

/** Asks the running agent. Errors say what to do about them. */
export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly why: "unreachable" | "refused"; readonly message: string };

const timeoutMs = 15_000;

/** @param body what is asked for, as JSON; absent: only to be told something */
export function ask(socketPath: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve) => {
    const unreachable = (reason: string): void =>
      resolve({
        ok: false,
        why: "unreachable",
        message: `no agent answers at ${socketPath} (${reason}). Is it running? Start it with mepwatch run, or name its socket with --socket.`,
      });
    const how = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" } };
    const asked = request({ socketPath, path, timeout: timeoutMs, ...how }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => unreachable(error.message));
      response.on("end", () => {
        const answer = parse(Buffer.concat(chunks).toString("utf8"));
        if (response.statusCode === 200) resolve({ ok: true, body: answer });
        else resolve({ ok: false, why: "refused", message: errorOf(answer) });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.on("error", (error) => unreachable("code" in error ? String(error.code) : error.message));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const errorOf = (body: unknown): string =>
  typeof body === "object" && body !== null && "error" in body ? String(body.error) : "the agent gave no reason";
