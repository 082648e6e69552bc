import { ask } from "../api/client.ts";
import type { Context } from "./context.ts";
import { exit } from "./output.ts";
import { socketOf } from "./status.ts";

/** What the running agent answers; or, when it was told why there is none, the exit code. */
export type Asked<T> = { readonly body: T } | { readonly code: number };

export async function asked<T>(
  path: string,
  socket: string | undefined,
  { output, environment }: Pick<Context, "output" | "environment">,
): Promise<Asked<T>> {
  const answer = await ask(socketOf(socket, environment), path);
  if (answer.ok) return { body: answer.body as T };
  output.message(answer.message);
  return { code: answer.why === "unreachable" ? exit.unavailable : exit.failed };
}

/** A target as a part of a path. */
export const inPath = (target: string): string => target.split("/").map(encodeURIComponent).join("/");
