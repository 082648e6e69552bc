/**
 * Every event of the agent itself (not of the site), in one table: log line, metric and documentation
 * come from here. A message names what happened; the remedy says what an operator can do about it.
 */
export interface AgentEvent {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly remedy?: string;
}

export const agentEvents = {
  "agent.started": { level: "info", message: "agent started" },
  "agent.stopped": { level: "info", message: "agent stopped" },
  "config.rejected": {
    level: "error",
    message: "configuration refused; going on with the last accepted one",
    remedy: "Run `mepwatch validate FILE`, correct what it lists, restart.",
  },
  "broker.connected": { level: "info", message: "broker connected" },
  "broker.away": {
    level: "warn",
    message: "broker not reachable; incidents are kept and sent later",
    remedy: "Check the broker's address, the network, the certificates on both sides and the broker itself.",
  },
  "broker.refused": {
    level: "error",
    message: "broker refused the connection; incidents are kept and sent later",
    remedy: "Check user, password and the broker's access rules.",
  },
  "broker.unheard": {
    level: "warn",
    message: "nobody is subscribed to the events; incidents are kept and sent later",
    remedy: "Check that the centre runs and is subscribed to mepwatch/v1/+/+/event.",
  },
  "centre.away": {
    level: "warn",
    message: "the centre says that it is away; incidents are kept and sent later",
    remedy: "Check that the centre runs; mqtt.centre in the settings must be its name.",
  },
  "centre.silent": {
    level: "error",
    message: "the centre acknowledges nothing of what it is sent; incidents are kept",
    remedy:
      "Check that the centre publishes its acknowledgements on mepwatch/v1/SITE/AGENT/ack, or set mqtt.delivery: broker.",
  },
  "broker.orphans": { level: "info", message: "the broker kept incidents that are not open any more; deleted" },
  "commands.deaf": {
    level: "error",
    message: "the broker lets the agent hear no commands; all else goes on",
    remedy: "Let this agent's user read mepwatch/v1/SITE/AGENT/cmd/+ in the broker's access rules.",
  },
  "device.lost": {
    level: "warn",
    message: "device does not answer",
    remedy: "Check power, cabling and address; `mepwatch read DEVICE` tries it now.",
  },
  "value.odd": {
    level: "warn",
    message: "value that the rule does not know; nothing is judged by it",
    remedy: "If the device's manual knows this value, add it to the rule's normal or alarm values.",
  },
  "device.back": { level: "info", message: "device answers again" },
  "device.pinned": { level: "info", message: "device told who it is; from now on it must be the same" },
  "device.other": {
    level: "error",
    message: "another device answers in this one's place; nothing it says is believed",
    remedy: "Check the cabling; if it was replaced, run `mepwatch accept DEVICE`.",
  },
  "device.accepted": { level: "info", message: "a person accepted another device in this one's place" },
  "device.firmware": {
    level: "warn",
    message: "the firmware of a device has changed; all its points are read again now",
    remedy: "Look whether they still mean what the profile says: `mepwatch read DEVICE`.",
  },
  "snmp.engine_shared": {
    level: "warn",
    message:
      "several devices have the same SNMPv3 engine id; all are read, but traps of one may be taken for old ones of another",
    remedy:
      "Give each device an engine id of its own; cards that were set up from a copy often share one. Where it is one device with several addresses, nothing is wrong.",
  },
  "snmp.boots_stuck": {
    level: "warn",
    message: "a device restarted without counting its SNMPv3 engineBoots, which it must; it is read all the same",
    remedy:
      "Update its firmware, or see that it can keep its settings; until its next poll after a restart its traps are refused as old ones.",
  },
  "traps.listening": { level: "info", message: "traps are heard" },
  "traps.deaf": {
    level: "error",
    message: "traps cannot be heard; polling goes on, and it is tried again",
    remedy:
      "Ports below 1024 need a privilege: set traps.port to 10162 and let devices send there; or stop the other receiver, such as snmptrapd, that has the port.",
  },
  "traps.storm": {
    level: "warn",
    message: "more traps come than are read; those over the budget of their source are dropped, polling goes on",
    remedy: "`mepwatch traps` shows who sends them; mend that device, or take this agent off its list of receivers.",
  },
  "traps.calm": { level: "info", message: "no trap is dropped any more" },
  "bacnet.deaf": {
    level: "error",
    message: "BACnet cannot be heard: no events, no changes of value, no device is found; it is tried again",
    remedy: "Another program on this machine has the UDP port: stop it, or set bacnet.port and bacnet.address.",
  },
  "bacnet.registered": { level: "info", message: "registered as a foreign device at the BBMD" },
  "bacnet.unregistered": {
    level: "error",
    message: "no foreign device of the BBMD any more: broadcasts of its network do not come; it is tried again",
    remedy:
      "Check bacnet.bbmd of the site file, that the BBMD runs and takes foreign devices, and that UDP reaches it.",
  },
  "bacnet.no_cov": {
    level: "info",
    message: "a device knows no subscriptions to changes of value; it is polled, and asked again in an hour",
  },
  "poll.overrun": {
    level: "warn",
    message: "a bus cannot keep its intervals; cycles are skipped",
    remedy: "Lengthen the interval, shorten the timeout or split the bus.",
  },
  "clock.step": { level: "warn", message: "the wall clock was stepped; no timer moves" },
  "clock.unsynced": {
    level: "warn",
    message: "the system says that its clock is not synchronised; the maintenance calendar is not followed",
    remedy: "Check the service that keeps the time: `timedatectl`, `chronyc tracking`.",
  },
  "clock.synced": { level: "info", message: "the clock is synchronised again" },
  "commit.failed": {
    level: "error",
    message: "the store did not take a cycle; it is kept and tried again",
    remedy: "Check free space and health of the disk that holds the store.",
  },
  "history.set_aside": {
    level: "warn",
    message: "the history of samples is no file that can be read; it was set aside and another is begun",
    remedy: "Check the health of the disk that holds the store; nothing is judged or sent by the history.",
  },
  "history.failed": {
    level: "warn",
    message: "samples are not kept for looking back; all else goes on",
    remedy:
      "Check free space and health of the disk that holds the store, and that this user may write there; restart.",
  },
  "audit.failed": {
    level: "error",
    message: "what was done could not be written down; it was done all the same",
    remedy: "Check free space and health of the disk that holds the store.",
  },
  "trim.failed": {
    level: "error",
    message: "the store did not let go of events that were delivered; it is tried again",
    remedy: "Check free space and health of the disk that holds the store.",
  },
  "storage.degraded": {
    level: "error",
    message: "the disk takes nothing; incidents are told from memory, and would not outlive a restart",
    remedy: "Free space on the disk that holds the store, or look at its health (dmesg); it goes on by itself.",
  },
  "storage.back": { level: "info", message: "the disk takes the store again; all that was in memory is on it" },
  "storage.reset": {
    level: "error",
    message: "the store was damaged; it begins anew, in a new epoch",
    remedy: "Check the disk. What was set aside can be looked into, or removed.",
  },
  "storage.gap": {
    level: "error",
    message: "the store has reached its quota; the oldest events were given up unsent",
    remedy: "Bring the broker back, or raise storeQuota in the settings.",
  },
  "outbox.poison": {
    level: "error",
    message: "an event cannot be sent and was set aside",
    remedy: "Report it with the event's sequence number.",
  },
  "telemetry.dropped": {
    level: "warn",
    message: "values were given up unsent while the broker did not take them; the history has them",
    remedy: "If it goes on while the broker is well, lengthen telemetry.every, or look at the line to it.",
  },
  "notify.down": {
    level: "warn",
    message: "the uplink is down; what is high or critical and the centre does not know is told past it",
    remedy: "Check the broker, the network and, if it is connected, whether the centre is subscribed.",
  },
  "notify.back": { level: "info", message: "the uplink is back; nothing more is told past it" },
  "notify.sent": { level: "info", message: "told past the centre" },
  "notify.failed": {
    level: "error",
    message: "a channel past the uplink takes nothing; it is tried again, at growing spacing",
    remedy: "Check address, account and network of that channel: `mepwatch notify --config FILE --test`.",
  },
  "notify.unkept": {
    level: "error",
    message: "what was told past the centre could not be kept; after a restart it would be told again",
    remedy: "Check free space and health of the disk that holds the store.",
  },
  "learnt.unkept": {
    level: "warn",
    message: "what was learnt of a device's limits could not be kept; it is learnt anew after a restart",
    remedy: "Check free space and health of the disk that holds the store.",
  },
  "session.bug": { level: "error", message: "a protocol library failed in an unexpected way; the session was rebuilt" },
} as const satisfies Record<string, AgentEvent>;

export type AgentEventCode = keyof typeof agentEvents;

/** Facts of one occurrence; never secrets. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;
