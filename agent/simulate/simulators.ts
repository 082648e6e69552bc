import { startBacnetSimulator } from "../../drivers/bacnet/simulated/simulator.ts";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { StartSimulator } from "../../drivers/simulator.ts";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";

/** The other side of each driver, by protocol. Apart from drivers/index.ts, so that the agent does not load them. */
export const simulators: ReadonlyMap<string, StartSimulator> = new Map([
  ["modbus", startModbusSimulator],
  ["snmp", startSnmpSimulator],
  ["bacnet", startBacnetSimulator],
]);
