import { bacnet } from "../../../drivers/bacnet/index.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import { conformance } from "../conformance.ts";

conformance("bacnet", {
  driver: bacnet,
  startSimulator: startBacnetSimulator,
  bus: (host, port) => ({ host, port, maxPoints: 4 }),
  device: { instance: 3000 },
  neighbour: { instance: 3001, network: 5, mac: 7 },
  points: [
    { address: { object: "analog-input", instance: 1 }, value: 21.5 },
    { address: { object: "analog-input", instance: 2, property: "reliability" }, value: 7 },
    { address: { object: "analog-input", instance: 3_000_109 }, value: -0.125 },
    { address: { object: "analog-output", instance: 0 }, value: 100 },
    { address: { object: "analog-value", instance: 4_194_302, property: "high-limit" }, value: 27 },
    { address: { object: "binary-input", instance: 1 }, value: 1 },
    { address: { object: "binary-value", instance: 9, property: "out-of-service" }, value: 1 },
    { address: { object: "multi-state-value", instance: 2 }, value: 3 },
    { address: { object: "accumulator", instance: 1 }, value: 4_294_967_296 },
    { address: { object: "integer-value", instance: 1 }, value: -40_000 },
    { address: { object: "large-analog-value", instance: 1 }, value: 0.1 },
    { address: { object: "positive-integer-value", instance: 1 }, value: 65_536 },
  ],
  parts: [
    { address: { property: "serial-number" }, text: "SN-0042" },
    { address: { property: "model-name" }, text: "PCW 3000" },
    { address: { property: "vendor-identifier" }, text: "260" },
    { address: { property: "object-identifier" }, text: "3000" },
    { address: { property: "firmware-revision" }, text: "7.2" },
  ],
});
