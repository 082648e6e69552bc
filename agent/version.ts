import { readFileSync } from "node:fs";

/** The version in package.json, which lies one folder up from the sources and two from the build. */
export function version(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
      if (typeof found === "object" && found !== null && "version" in found) return String(found.version);
    } catch {
      // Not there: it is at the next place.
    }
  }
  return "unknown";
}
