import { bacnet } from "./bacnet/index.ts";
import type { Driver } from "./driver.ts";
import { modbus } from "./modbus/index.ts";
import { snmp } from "./snmp/index.ts";

export const drivers: readonly Driver[] = [modbus, snmp, bacnet];
