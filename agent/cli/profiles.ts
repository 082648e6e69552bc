import type { AddCommand } from "./context.ts";
import { addImportBacnet } from "./import-bacnet.ts";
import { addImportEde } from "./import-ede.ts";
import { addImportMib } from "./import-mib.ts";

export const addProfiles: AddCommand = (program, context) => {
  const profiles = program.command("profiles").summary("what is to be read of a kind of device");
  addImportMib(profiles, context);
  addImportEde(profiles, context);
  addImportBacnet(profiles, context);
};
