import type { AddCommand } from "./context.ts";
import { addRead } from "./read.ts";
import { addStatus } from "./status.ts";
import { addValidate } from "./validate.ts";
import { addVectors } from "./vectors.ts";

/** Every command, in the order of `mepwatch --help`. */
export const commands: readonly AddCommand[] = [addValidate, addStatus, addRead, addVectors];
