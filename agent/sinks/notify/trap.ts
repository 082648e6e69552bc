import { isIPv6 } from "node:net";
import * as ber from "../../../drivers/snmp/ber.ts";
import { answerOf, idOf, type Turn } from "../../../drivers/snmp/dialect.ts";
import { Exchange } from "../../../drivers/snmp/exchange.ts";
import { type Binding, decode, encode, errors, pdus, versions } from "../../../drivers/snmp/message.ts";
import type { Env } from "../../env.ts";
import type { Secret } from "../../secret.ts";
import { type News, type Notifier, noticeKinds, type Speaker } from "./notice.ts";

export interface TrapOptions {
  readonly host: string;
  readonly port: number;
  readonly community: Secret;
}

const deadlineMs = 10_000;
/**
 * Below Net-SNMP's arc for experiments, as mepwatch has none of its own: `.0.N` are the notifications, N counting
 * `noticeKinds` from 1; `.1.N.0` their objects, in the order of `objectsOf`.
 */
const arc = "1.3.6.1.4.1.8072.9999.9999";
const sysUpTime = "1.3.6.1.2.1.1.3.0";
const snmpTrapOid = "1.3.6.1.6.3.1.1.4.1.0";

/** SNMPv2c informs (RFC 3416, 4.2.7): the receiver acknowledges them, while a trap proves nothing. */
export function openTrap({ host, port, community }: TrapOptions, env: Env, speaker: Speaker): Notifier {
  return {
    channel: "trap",
    async send(news) {
      const peer = { address: host, family: isIPv6(host) ? 6 : 4, port };
      const turn = informTurn(community.reveal(), idOf(env), bindingsOf(env, speaker, news));
      const answer = await new Exchange(env, { peer, turn, timeoutMs: deadlineMs }).answer;
      if (answer.kind === "bindings") return { delivered: true, said: "acknowledged" };
      return { delivered: false, said: answer.kind === "fault" ? `${answer.fault}: ${answer.detail}` : answer.detail };
    },
  };
}

/** A second one has the request id of the first: the receiver knows it by that. */
function informTurn(community: string, requestId: number, bindings: readonly Binding[]): Turn {
  const { none: errorStatus } = errors;
  const made = encode({
    version: versions.v2c,
    community,
    ...{ pdu: pdus.inform, requestId, errorStatus, errorIndex: 0, bindings },
  });
  return {
    next: () => made,
    hint: () => "; traps may be refused there, or the community is another",
    hear(datagram) {
      const message = decode(datagram);
      if (message?.version !== versions.v2c || message.pdu !== pdus.response || message.community !== community)
        return { kind: "garbage", what: "what came acknowledges no inform of ours" };
      return message.requestId === requestId ? answerOf(message, []) : { kind: "other" };
    },
  };
}

function bindingsOf(env: Env, speaker: Speaker, news: News): Binding[] {
  const hundredths = Math.floor(env.clock.mono() / 10) % 2 ** 32;
  const kind = `${arc}.0.${noticeKinds.indexOf(news.kind) + 1}`;
  return [
    { oid: sysUpTime, value: ber.integer(hundredths, ber.tags.timeTicks) },
    { oid: snmpTrapOid, value: ber.oid(kind) },
    ...objectsOf(speaker, news).map((text, i) => ({ oid: `${arc}.1.${i + 1}.0`, value: ber.text(text) })),
  ];
}

const objectsOf = ({ site, agent }: Speaker, news: News): readonly string[] => [
  ...[news.text, news.severity, news.incidentId ?? "", news.conditionKey ?? "", news.kind],
  ...[site, agent, news.raisedAt ?? "", news.at],
];
