import { request } from "node:http";

/** Asks the running agent. Errors say what to do about them. */
export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly why: "unreachable" | "refused"; readonly message: string };

const timeoutMs = 15_000;

export function ask(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const unreachable = (reason: string): void =>
      resolve({
        ok: false,
        why: "unreachable",
        message: `no agent answers at ${socketPath} (${reason}). Is it running? Start it with mepwatch run, or name its socket with --socket.`,
      });
    const asked = request({ socketPath, path, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => unreachable(error.message));
      response.on("end", () => {
        const body = parse(Buffer.concat(chunks).toString("utf8"));
        if (response.statusCode === 200) resolve({ ok: true, body });
        else resolve({ ok: false, why: "refused", message: errorOf(body) });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.on("error", (error) => unreachable("code" in error ? String(error.code) : error.message));
    asked.end();
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
