/** What every MIB builds on and nobody has to give a file of: the roots of the tree, and the types of SMIv1 and SMIv2. */

/** RFC 2578, RFC 1155, RFC 1213; by name. */
export const knownNodes: Readonly<Record<string, string>> = {
  iso: "1",
  org: "1.3",
  dod: "1.3.6",
  internet: "1.3.6.1",
  directory: "1.3.6.1.1",
  mgmt: "1.3.6.1.2",
  "mib-2": "1.3.6.1.2.1",
  system: "1.3.6.1.2.1.1",
  interfaces: "1.3.6.1.2.1.2",
  transmission: "1.3.6.1.2.1.10",
  snmp: "1.3.6.1.2.1.11",
  experimental: "1.3.6.1.3",
  private: "1.3.6.1.4",
  enterprises: "1.3.6.1.4.1",
  security: "1.3.6.1.5",
  snmpV2: "1.3.6.1.6",
  snmpModules: "1.3.6.1.6.3",
  zeroDotZero: "0.0",
};

/** Whether an object of this type is a number to the driver; text and what else is not a measured value. */
export type Kind = "number" | "ticks" | "text" | "other";

/** RFC 2578, 7.1; RFC 1155, 3.2.3; RFC 2579, 2; RFC 1213, 2. Values of a TruthValue and a RowStatus are named in place. */
export const knownTypes: Readonly<Record<string, Kind>> = {
  INTEGER: "number",
  Integer32: "number",
  Unsigned32: "number",
  UInteger32: "number",
  Gauge: "number",
  Gauge32: "number",
  Counter: "number",
  Counter32: "number",
  Counter64: "number",
  TruthValue: "number",
  TestAndIncr: "number",
  RowStatus: "number",
  StorageType: "number",
  TimeInterval: "ticks",
  TimeTicks: "ticks",
  TimeStamp: "ticks",
  Opaque: "number",
  "OCTET STRING": "text",
  DisplayString: "text",
  SnmpAdminString: "text",
  PhysAddress: "text",
  MacAddress: "text",
  DateAndTime: "text",
  BITS: "other",
  Bits: "other",
  "OBJECT IDENTIFIER": "other",
  AutonomousType: "other",
  InstancePointer: "other",
  VariablePointer: "other",
  RowPointer: "other",
  TDomain: "other",
  TAddress: "other",
  IpAddress: "other",
  NetworkAddress: "other",
  NsapAddress: "other",
  SEQUENCE: "other",
  "SEQUENCE OF": "other",
  CHOICE: "other",
};

/** RFC 2579, TruthValue. */
export const truth: readonly (readonly [number, string])[] = [
  [1, "true"],
  [2, "false"],
];
