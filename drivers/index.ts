import type { Driver } from "./driver.ts";

export const drivers: readonly Driver[] = [];
