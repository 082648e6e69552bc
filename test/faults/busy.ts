import { writeSync } from "node:fs";
import Database from "better-sqlite3";
import { openStore } from "../../agent/store/store.ts";
import { operations, perform } from "./operations.ts";

/**
 * A process of its own, for its system calls to be recorded: busy FILE COUNT [WEAKER]. Says "done N" on stdout as soon as
 * operation N has returned, 0 being to open the store. WEAKER: a level of `synchronous` to have in place of FULL.
 */
const [, , path = "", count = "0", weaker] = process.argv;
if (weaker !== undefined) {
  const { pragma } = Database.prototype;
  Database.prototype.pragma = function (source, options) {
    if (source === "synchronous = FULL") return pragma.call(this, `synchronous = ${weaker}`, options);
    return source === "synchronous" ? 2 : pragma.call(this, source, options);
  };
}
const done = (n: number): void => void writeSync(1, `done ${n}\n`);

const store = openStore(path, () => "00000000-0000-4000-8000-000000000001");
done(0);
for (const [i, operation] of operations(Number(count)).entries()) {
  perform(store, operation);
  done(i + 1);
}
store.close();
