import type { Command } from "./command.ts";
import { rank, type Severity } from "./severity.ts";

/** Who may do what, one table for the plant room and the centre (alarms.md 2.6 of the design). */
export const roles = ["viewer", "technician", "engineer", "supervisor"] as const;
export type Role = (typeof roles)[number];

export interface Person {
  readonly user: string;
  readonly role: Role;
  /** Who else agreed: what lasts longer than eight hours needs two. */
  readonly second?: string | undefined;
  /** In an emergency a technician may shelve what is critical, for an hour. */
  readonly breakGlass?: boolean | undefined;
}

const hourMs = 3_600_000;
/** A shift. */
const shiftMs = 8 * hourMs;

/** The least role that each command needs. */
const needed: Readonly<Record<Command["name"] | "accept" | "sensor_replaced", Role>> = {
  ack: "technician",
  unack: "technician",
  reset: "technician",
  shelve: "technician",
  unshelve: "technician",
  maintenance: "technician",
  maintenance_end: "technician",
  out_of_service: "supervisor",
  in_service: "supervisor",
  // Another device in the place of one: from then on its values count.
  accept: "engineer",
  // What a rate or a window knows of the point begins anew.
  sensor_replaced: "engineer",
};

/** Why somebody of this role may not do it at all; null: they may. */
export function lacking(name: keyof typeof needed, role: Role): string | null {
  if (roles.indexOf(role) >= roles.indexOf(needed[name])) return null;
  return `a ${role} may not; expected ${orMore(needed[name])}`;
}

/** Why somebody may not do this to a condition of this severity; null: they may. */
export function forbidden(command: Command, severity: Severity): string | null {
  const { name, by } = command;
  const may = (role: Role): boolean => roles.indexOf(by.role) >= roles.indexOf(role);
  const not = lacking(name, by.role);
  if (not !== null) return not;
  const forMs = "forMs" in command ? (command.forMs ?? 0) : 0;
  if (forMs > shiftMs && !may("supervisor")) {
    if (!may("engineer")) return `for more than 8 h; expected ${orMore("engineer")}, or at most 8 h`;
    if (by.second === undefined || by.second === by.user)
      return "for more than 8 h; expected a second person who agrees, or at most 8 h";
  }
  if (name === "shelve" && rank(severity) >= rank("critical") && !may("supervisor")) {
    if (by.breakGlass !== true) return "it is critical; expected a supervisor, or a broken glass for at most 1 h";
    if (command.forMs === null || forMs > hourMs) return "with a broken glass at most 1 h; expected a shorter time";
  }
  return null;
}

const orMore = (role: Role): string => roles.slice(roles.indexOf(role)).join(" or ");
