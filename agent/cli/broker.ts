import { type AddressInfo, createServer } from "node:net";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";

export const addBroker: AddCommand = (program, { output, stopped, exit: end }) => {
  program
    .command("broker", { hidden: true })
    .summary("a small MQTT broker on loopback, for the demo")
    .option("--port <port>", "0: any", "0")
    .action(async ({ port }: { port: string }) => {
      const { Aedes } = await import("aedes"); // only here: the service does not load a broker
      const aedes = await Aedes.createBroker();
      const server = createServer(aedes.handle);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(Number(port), "127.0.0.1", resolve);
      });
      output.data(JSON.stringify({ port: (server.address() as AddressInfo).port }));
      await stopped;
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
      end(exit.ok);
    });
};
