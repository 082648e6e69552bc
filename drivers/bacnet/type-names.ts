/** BACnetObjectType (ASHRAE 135, clause 21): the place in the list is the number. From 128 on makers number their own. */
const names: readonly string[] = [
  ...["analog-input", "analog-output", "analog-value", "binary-input", "binary-output", "binary-value", "calendar"],
  ...["command", "device", "event-enrollment", "file", "group", "loop", "multi-state-input", "multi-state-output"],
  ...["notification-class", "program", "schedule", "averaging", "multi-state-value", "trend-log", "life-safety-point"],
  ...["life-safety-zone", "accumulator", "pulse-converter", "event-log", "global-group", "trend-log-multiple"],
  ...["load-control", "structured-view", "access-door", "timer", "access-credential", "access-point", "access-rights"],
  ...["access-user", "access-zone", "credential-data-input", "network-security", "bitstring-value"],
  ...["characterstring-value", "datepattern-value", "date-value", "datetimepattern-value", "datetime-value"],
  ...["integer-value", "large-analog-value", "octetstring-value", "positive-integer-value", "timepattern-value"],
  ...["time-value", "notification-forwarder", "alert-enrollment", "channel", "lighting-output"],
  ...["binary-lighting-output", "network-port", "elevator-group", "escalator", "lift", "staging", "audit-log"],
  ...["audit-reporter", "color", "color-temperature"],
];

/** Undefined: none of the standard. */
export const typeName = (type: number): string | undefined => names[type];

/** From a number, or a name however it is written (Multistate Input); null: neither. */
export function typeIn(cell: string): number | null {
  if (/^\d{1,4}$/.test(cell)) return Number(cell);
  const at = names.findIndex((name) => plain(name) === plain(cell));
  return at < 0 ? null : at;
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z]+/g, "");
