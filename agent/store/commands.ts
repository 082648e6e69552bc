import type Database from "better-sqlite3";
import { Damaged } from "./failure.ts";
import type { Meta } from "./file.ts";

/**
 * The centre's commands of the last day, so that none is done twice, whoever sends it again, also after a restart. Noted
 * before its effect, with what came of it after.
 */
export interface CommandMemory {
  /** By its id; null: it is not known. */
  find(cmdId: string): Remembered | null;
  /** The id of the command that has taken this nonce; null: none has. */
  taker(nonce: string): string | null;
  /**
   * On the disk when it returns, unless the store is in memory. False: it is full of what may not be forgotten yet.
   * @param wall now, ms since the Unix epoch
   * @throws where it is not kept
   */
  begin(command: Begun, wall: number): boolean;
  /** @throws where it is not kept */
  end(cmdId: string, result: string): void;
  /** When the newest of those that were forgotten had been issued, ms since the Unix epoch; 0: none was. */
  readonly forgottenTo: number;
}

/** Times in ms since the Unix epoch. */
export interface Begun {
  readonly cmdId: string;
  readonly nonce: string;
  readonly issuedAt: number;
  /** Before that it is not forgotten. */
  readonly exp: number;
}

export interface Remembered {
  /** JSON; null: it was begun, and it is not known what came of it. */
  readonly result: string | null;
}

export const commandsMax = 10_000;
export const commandMs = 24 * 3_600_000;
/** In `meta`. */
export const forgottenName = "commandsForgottenTo";

const sum = (result: string) => `crc(cmd_id, nonce, issued_at, exp, kept_until, coalesce(${result}, ''))`;

/** @throws Damaged */
export function openCommands(db: Database.Database, meta: Meta): CommandMemory {
  const wrong = db.prepare(`SELECT 1 FROM command WHERE sum IS NOT ${sum("result")} LIMIT 1`).get();
  if (wrong !== undefined) throw new Damaged("a command is not what was written");
  const find = db.prepare<[string], Remembered>("SELECT result FROM command WHERE cmd_id = ?");
  const taker = db.prepare<[string], { cmd_id: string }>("SELECT cmd_id FROM command WHERE nonce = ?");
  const count = db.prepare<[], { count: number }>("SELECT count(*) AS count FROM command");
  const drop = (those: string) =>
    db.prepare<[number], { issued_at: number }>(`DELETE FROM command WHERE ${those} RETURNING issued_at`);
  const dropOld = drop("kept_until < ?");
  const dropOldest = drop("rowid = (SELECT min(rowid) FROM command WHERE exp < ?)");
  const insert = db.prepare(
    `INSERT OR IGNORE INTO command VALUES (@cmdId, @nonce, @at, @issuedAt, @exp, @keptUntil, NULL,
      crc(@cmdId, @nonce, @issuedAt, @exp, @keptUntil, ''))`,
  );
  const complete = db.prepare(`UPDATE command SET result = @result, sum = ${sum("@result")} WHERE cmd_id = @cmdId`);
  const forgottenTo = (): number => Number(meta.get(forgottenName) ?? 0);
  const forget = (dropped: readonly { issued_at: number }[]): void => {
    const newest = Math.max(...dropped.map(({ issued_at }) => issued_at));
    if (newest > forgottenTo()) meta.set(forgottenName, String(newest));
  };
  return {
    find: (cmdId) => find.get(cmdId) ?? null,
    taker: (nonce) => taker.get(nonce)?.cmd_id ?? null,
    begin: db.transaction((command: Begun, wall: number): boolean => {
      forget(dropOld.all(wall));
      if ((count.get()?.count ?? 0) >= commandsMax) {
        const dropped = dropOldest.all(wall);
        if (dropped.length === 0) return false;
        forget(dropped);
      }
      // It may have landed already, where the disk said that it had not.
      insert.run({ ...command, at: wall, keptUntil: Math.max(wall + commandMs, command.exp) });
      return true;
    }),
    end: (cmdId, result) => void complete.run({ cmdId, result }),
    get forgottenTo() {
      return forgottenTo();
    },
  };
}
