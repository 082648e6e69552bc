import { addAccept } from "./accept.ts";
import { addAudit } from "./audit.ts";
import { addBench } from "./bench.ts";
import { addBroker } from "./broker.ts";
import { addCentre } from "./centre.ts";
import type { AddCommand } from "./context.ts";
import { addDeeds } from "./deeds.ts";
import { addDemo } from "./demo.ts";
import { addDiscover } from "./discover.ts";
import { addDoctor } from "./doctor.ts";
import { addExplain } from "./explain.ts";
import { addGenerate } from "./generate.ts";
import { addHandover } from "./handover.ts";
import { addIncident, addIncidents } from "./incidents.ts";
import { addKeys } from "./keys.ts";
import { addKpi } from "./kpi.ts";
import { addNotify } from "./notify.ts";
import { addProfiles } from "./profiles.ts";
import { addRead } from "./read.ts";
import { addRun } from "./run.ts";
import { addSilences } from "./silences.ts";
import { addSimulate } from "./simulate.ts";
import { addStatus } from "./status.ts";
import { addTest } from "./test.ts";
import { addTraps } from "./traps.ts";
import { addTrend } from "./trend.ts";
import { addValidate } from "./validate.ts";
import { addVectors } from "./vectors.ts";

/** Every command, in the order of `mepwatch --help`. */
export const commands: readonly AddCommand[] = [
  addDemo,
  addValidate,
  addTest,
  addRun,
  addDoctor,
  addDiscover,
  addNotify,
  addStatus,
  addIncidents,
  addIncident,
  addHandover,
  addCentre,
  addRead,
  addTrend,
  addTraps,
  addDeeds,
  addAccept,
  addSilences,
  addAudit,
  addKpi,
  addKeys,
  addExplain,
  addProfiles,
  addSimulate,
  addVectors,
  addBroker,
  addGenerate,
  addBench,
];
