import type { SilenceSnapshot } from "../api/deeds.ts";
import type { EventsPage, EventTold, IncidentsSnapshot } from "../api/incidents.ts";
import type { StatusSnapshot } from "../api/status.ts";
import { parseDuration } from "../core/duration.ts";
import { type Asked, asked } from "./asked.ts";
import type { AddCommand, Context } from "./context.ts";
import { type Handover, handoverOf, handoverView } from "./handover-view.ts";
import { exit } from "./output.ts";
import { socketOption } from "./status.ts";

export const addHandover: AddCommand = (program, context) => {
  const { output } = context;
  program
    .command("handover")
    .option("--since <duration>", "how far back, such as 8h; events are kept for 14 days", "8h")
    .option(...socketOption)
    .option("--json", "one JSON document")
    .summary("for the next shift: what happened, what is open and who attends, what is silenced until when")
    .addHelpText("after", "\nExample:\n  $ mepwatch handover --since 12h")
    .action(async ({ since, socket, json }: { since: string; socket?: string; json?: true }) => {
      const sinceMs = parseDuration(since);
      if (sinceMs === null) {
        output.message(`--since ${since}: expected a duration such as 8h, 30m`);
        context.exit(exit.usage);
        return;
      }
      const answer = await gather(sinceMs, socket, context);
      if ("code" in answer) {
        context.exit(answer.code);
        return;
      }
      if (json) output.data(JSON.stringify(answer.body));
      else handoverView(answer.body, output);
      context.exit(exit.ok);
    });
};

async function gather(sinceMs: number, socket: string | undefined, context: Context): Promise<Asked<Handover>> {
  const status = await asked<StatusSnapshot>("/status", socket, context);
  if ("code" in status) return status;
  const since = new Date(Date.parse(status.body.at) - sinceMs).toISOString();
  const events = await eventsSince(since, socket, context);
  if ("code" in events) return events;
  const open = await asked<IncidentsSnapshot>("/incidents", socket, context);
  if ("code" in open) return open;
  const silences = await asked<readonly SilenceSnapshot[]>("/silences", socket, context);
  if ("code" in silences) return silences;
  return { body: handoverOf(since, status.body, events.body, open.body, silences.body) };
}

/** Page by page, so that the agent goes on with its own work in between. */
async function eventsSince(since: string, socket: string | undefined, context: Context): Promise<Asked<EventsPage>> {
  const all: EventTold[] = [];
  for (;;) {
    const last = all.at(-1);
    const after = last === undefined ? "" : `&after=${last.seq}&epoch=${last.epoch}`;
    const page = await asked<EventsPage>(`/events?since=${since}${after}`, socket, context);
    if ("code" in page) return page;
    if (page.body.length === 0) return { body: all };
    all.push(...page.body);
  }
}
