import type { MqttClient } from "mqtt";
import { type Env, within } from "../../env.ts";

/** The broker has told all that it keeps when it has been silent for so long. */
const silentMs = 2000;
const answerMs = 10_000;
/** More than any site has conditions; the rest is found with the next connection. */
const topicsMax = 50_000;

/**
 * The topics below `filter` (PREFIX/+) for which the broker keeps a retained message; null: it does not let us see. What is
 * published meanwhile is none of them. Never rejects; ends early when the link does.
 */
export async function keptTopics(
  env: Env,
  client: MqttClient,
  filter: string,
  lost: Promise<string>,
): Promise<readonly string[] | null> {
  const found = new Set<string>();
  const prefix = filter.slice(0, -1);
  let arm = (): void => {};
  const note = (topic: string, payload: Buffer, { retain }: { retain: boolean }): void => {
    if (!retain || payload.length === 0 || !topic.startsWith(prefix) || found.size >= topicsMax) return;
    found.add(topic);
    arm();
  };
  client.on("message", note);
  try {
    // QoS 0, so that nothing is queued for it if the link ends before it is taken back.
    const subscribed = client.subscribeAsync(filter, { qos: 0, nl: true, rh: 0 }).then(() => true);
    if (!(await within(env, answerMs, subscribed, () => false))) return null;
    await new Promise<void>((resolve) => {
      let cancel = env.after(silentMs, resolve);
      arm = () => {
        cancel();
        cancel = env.after(silentMs, resolve);
      };
      void lost.then(() => {
        cancel();
        resolve();
      });
    });
    void client.unsubscribeAsync(filter).catch(() => {}); // the link is over, and the subscription with it
    return [...found];
  } catch {
    return null; // refused, or the link is over
  } finally {
    client.off("message", note);
  }
}
