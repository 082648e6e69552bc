import { phrase } from "../core/language.ts";
import { realEnv } from "../env.ts";
import { openNotifiers } from "../sinks/notify/index.ts";
import type { News } from "../sinks/notify/notice.ts";
import type { AddCommand } from "./context.ts";
import { exit, table } from "./output.ts";
import { loadFrom, settingsBeside, tellAll, tellProblems } from "./site.ts";

export const addNotify: AddCommand = (program, context) => {
  program
    .command("notify")
    .requiredOption("--config <file>", "site file; settings.yaml is looked for beside it")
    .requiredOption("--test", "one test message on each channel")
    .summary("prove what is told while the uplink is down, before the night")
    .description(
      "Sends one test message on each channel that the settings name (notify.webhook, .smtp, .trap) and shows what each answered. Exits 0 if all took it.",
    )
    .addHelpText("after", "\nExample:\n  $ mepwatch notify --config /etc/mepwatch/site.yaml --test")
    .action(async ({ config }: { config: string }) => {
      const { output } = context;
      const { settings, problems } = settingsBeside(config, context);
      const loaded = loadFrom(config, context);
      if (settings === null) tellAll(problems, context);
      if (loaded.site === null) tellProblems(loaded, context);
      if (settings === null || loaded.site === null) return context.exit(exit.config);
      const { id: site, language } = loaded.site;
      const env = realEnv({ logLevel: "silent" });
      const notifiers = openNotifiers(settings.notify, env, { site, agent: settings.agent });
      if (notifiers.length === 0) {
        output.message("No channel is set; set notify.webhook.url, notify.smtp.url or notify.trap.target.");
        return context.exit(exit.config);
      }
      const at = new Date(env.clock.wall()).toISOString();
      const news: News = {
        key: `test:${at}`,
        kind: "test",
        severity: "info",
        text: phrase(language, "uplinkTest"),
        at,
      };
      const answers = await Promise.all(
        notifiers.map(async (one) => ({ channel: one.channel, ...(await one.send(news)) })),
      );
      const rows = answers.map(({ channel, delivered, said }) => [channel, delivered ? "delivered" : "FAILED", said]);
      for (const line of table(rows)) output.data(line);
      context.exit(answers.every(({ delivered }) => delivered) ? exit.ok : exit.unavailable);
    });
};
