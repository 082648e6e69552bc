import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realEnv } from "../env.ts";
import type { Row } from "../simulate/bench.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";

interface Options {
  readonly json?: true;
  readonly opens?: string;
  readonly servesModbus?: true;
}

export const addBench: AddCommand = (program, { output, program: self, stopped, exit: end }) => {
  program
    .command("bench [group]", { hidden: true })
    .summary("how fast it is on this machine")
    .option("--json", "a JSON line for each row")
    .option("--opens <store>", "only tells what it costs to open this store, as JSON")
    .option("--serves-modbus", "only serves devices for it, and prints where, as JSON")
    .action(async (group: string | undefined, { json, opens, servesModbus }: Options) => {
      const { benchRules } = await import("../simulate/bench.ts");
      const { benchHistory } = await import("../simulate/bench-history.ts");
      const { benchBacnetDriver, benchEndToEnd, benchModbusDriver, benchOutbox, benchSnmpDriver } = await import(
        "./bench-processes.ts"
      );
      const { opening } = await import("../simulate/bench-outbox.ts");
      const env = realEnv({ logLevel: "error" });
      if (opens !== undefined) {
        output.data(JSON.stringify(opening(env, opens, resident)));
        return;
      }
      if (servesModbus) {
        const { sealed } = await import("../../drivers/modbus/rtu.ts");
        const { serveBare } = await import("../simulate/bench-device.ts");
        output.data(JSON.stringify(await serveBare(env, 100, 10, sealed)));
        return;
      }
      const groups: Readonly<Record<string, () => Row[] | Promise<Row[]>>> = {
        rules: () => benchRules(env, heapUsed),
        modbus: () => benchModbusDriver(env, stopped, self, cpuMs),
        outbox: () => benchOutbox(env, stopped, self),
        "end-to-end": () => benchEndToEnd(env, stopped),
        snmp: () => benchSnmpDriver(env, stopped, self, cpuMs),
        bacnet: () => benchBacnetDriver(env, stopped, self, cpuMs),
        history: () => inFolder((folder) => benchHistory(join(folder, "history.db"), cpuMs)),
      };
      const chosen = group === undefined ? Object.values(groups) : [groups[group]];
      const rows: Row[] = [];
      for (const run of chosen) rows.push(...((await run?.()) ?? []));
      if (rows.length === 0) {
        output.message(`no group "${group}"; expected one of ${Object.keys(groups).join(", ")}`);
        end(exit.usage);
        return;
      }
      if (json) for (const row of rows) output.data(JSON.stringify({ ...row, ratio: ratioOf(row) }));
      else for (const line of table([heads, ...rows.map(cells)])) output.data(line);
      end(exit.ok);
    });
};

const heads = ["BENCH", "METRIC", "OURS", "BASELINE", "RATIO", "GOAL", ""];

const cells = (row: Row): string[] => {
  const { bench, metric, unit, ours, baseline, goal, ok } = row;
  const shown = (value: number | null): string => (value === null ? "–" : `${value.toLocaleString("en")} ${unit}`);
  const ratio = ratioOf(row);
  const percent = ratio === null ? "–" : `${Math.round(ratio * 100)} %`;
  const wanted = goal.endsWith("%") ? goal : `${goal} ${unit}`;
  return [
    bench,
    metric,
    shown(ours),
    shown(baseline),
    percent,
    wanted,
    ok ? "" : ours === null ? "not measured" : "not met",
  ];
};

const ratioOf = ({ ours, baseline }: Row): number | null =>
  ours === null || baseline === null ? null : Math.round((ours / baseline) * 1000) / 1000;

/** After a collection where the runtime allows to ask for one (node --expose-gc). */
function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function resident(): number {
  collect();
  return process.memoryUsage.rss();
}

const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
