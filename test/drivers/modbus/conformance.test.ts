import { modbus } from "../../../drivers/modbus/index.ts";
import { startModbusSimulator } from "../../../drivers/modbus/simulator.ts";
import { conformance } from "../conformance.ts";

for (const transport of ["tcp", "udp", "rtu-over-tcp"])
  conformance(`modbus, ${transport},`, {
    driver: modbus,
    startSimulator: startModbusSimulator,
    bus: (host, port) => ({ transport, host, port }),
    device: { unit: 7 },
    neighbour: { unit: 8 },
    points: [
      { address: { table: "holding", register: 100 }, value: 65535 },
      { address: { table: "holding", register: 101, type: "s16" }, value: -215 },
      { address: { table: "holding", register: 102, type: "f32", order: "CDAB" }, value: 21.5 },
      { address: { table: "holding", register: 106, type: "u64" }, value: 9_007_199_254_740_991 },
      { address: { table: "holding", register: 5000, type: "s32", order: "DCBA" }, value: -70_000 },
      { address: { table: "holding", register: 5003, bit: 0 }, value: 1 },
      { address: { table: "holding", register: 5005, bit: 4, bits: 3 }, value: 6 },
      { address: { table: "holding", register: 5006, type: "bcd32", order: "CDAB" }, value: 20_268_117 },
      { address: { table: "holding", register: 5004, bit: 15 }, value: 0 },
      { address: { table: "input", register: 100, type: "f64", order: "BADC" }, value: 230.1 },
      { address: { table: "coil", register: 3 }, value: 1 },
      { address: { table: "coil", register: 12 }, value: 0 },
      { address: { table: "discrete", register: 65535 }, value: 1 },
    ],
    parts: [
      { address: { table: "holding", register: 564, type: "string", length: 17 }, text: "AS1234567890" },
      { address: { table: "input", register: 600, type: "string", length: 9, order: "BADC" }, text: "SMT1500I" },
      { address: { table: "holding", register: 700, type: "u32" }, text: "4294967295" },
      { address: { object: 5 }, text: "UPS 09.3" },
      { address: { object: 128 }, text: "of the maker" },
      { address: { serverId: true }, text: "PM5560 V1.4" },
    ],
  });
