import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { objectsIn } from "../../agent/config/mib/objects.ts";
import { requireProgram } from "./programs.ts";

/** MIBs that are not ours: those that Debian's libsnmp-base brings, which imports some that it does not bring. */
const folder = "/usr/share/snmp/mibs";
const present = requireProgram(folder);

describe.skipIf(!present)("Debian's MIBs", () => {
  const files = present
    ? readdirSync(folder)
        .filter((name) => name.endsWith("-MIB.txt") || name.endsWith("-TC.txt"))
        .map((name) => ({ name, text: readFileSync(join(folder, name), "latin1") }))
    : [];

  test("are read whole; all that is wrong with them is that others are missing", () => {
    const { problems } = objectsIn(files, "1.3.6.1");
    const other = problems.filter(({ what }) => !/comes from [\w-]+, which is in none of the files/.test(what));
    expect(other).toEqual([]);
  });

  test.each([
    ["1.3.6.1.4.1.8072.1.5", "nsCacheDefaultTimeout", "1.3.6.1.4.1.8072.1.5.1"],
    ["1.3.6.1.4.1.2021.4", "memTotalReal", "1.3.6.1.4.1.2021.4.5"],
    ["1.3.6.1.4.1.2021.11", "ssCpuIdle", "1.3.6.1.4.1.2021.11.11"],
  ])("under %s there is %s", (root, name, oid) => {
    expect(objectsIn(files, root).objects.find((object) => object.name === name)?.oid).toBe(oid);
  });
});
