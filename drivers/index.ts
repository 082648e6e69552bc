import { bacnet } from "./bacnet/index.ts";
import type { Driver } from "./driver.ts";

export const drivers: readonly Driver[] = [bacnet];
