import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../secret.ts";

/** Where a secret is kept, as configuration names it: `${file:/path}`, `${env:NAME}`, `${credential:name}` (systemd). */
export interface Reference {
  readonly scheme: "file" | "env" | "credential";
  readonly name: string;
}

export type Secrets = (reference: Reference) => { readonly text: string } | { readonly problem: string };

export function reference(value: unknown): Reference | null {
  if (typeof value !== "string") return null;
  const [, scheme, name] = /^\$\{(file|env|credential):([^}]+)\}$/.exec(value) ?? [];
  return scheme === undefined || name === undefined ? null : { scheme: scheme as Reference["scheme"], name };
}

/**
 * The secret that a setting refers to. `mayStandHere`: whether the text itself may be it, as in the environment, where
 * secrets may stand; in a file they may not.
 */
export function secretOf(
  value: string,
  secrets: Secrets,
  mayStandHere: boolean,
): { readonly secret: Secret } | { readonly problem: string } {
  const where = reference(value);
  if (where === null && mayStandHere) return { secret: new Secret(value) };
  if (where === null)
    return { problem: "a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}" };
  const found = secrets(where);
  return "text" in found ? { secret: new Secret(found.text) } : found;
}

/** Reads secrets of this machine. Problems name the place, never the content. */
export function machineSecrets(environment: Readonly<Record<string, string | undefined>>): Secrets {
  const fromFile = (path: string) => {
    try {
      return { text: readFileSync(path, "utf8").trimEnd() };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
      return { problem: `the secret's file ${path} cannot be read (${code}); expected a file this user may read` };
    }
  };
  return ({ scheme, name }) => {
    if (scheme === "file") return fromFile(name);
    if (scheme === "env") {
      const text = environment[name];
      return text === undefined
        ? { problem: `environment variable ${name} is not set; expected the secret in it` }
        : { text };
    }
    const directory = environment.CREDENTIALS_DIRECTORY;
    if (directory === undefined) return { problem: `no systemd credentials here; expected LoadCredential=${name}:…` };
    return fromFile(join(directory, name));
  };
}
