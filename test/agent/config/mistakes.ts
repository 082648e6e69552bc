import { crac, meter, ups } from "./hall.ts";

/** Every mistake is told as  file:line:column: path: what is wrong; what was expected.  These lines are the contract. */
export type Case = readonly [name: string, from: string, to: string, lines: readonly string[]];

export const inSite: readonly Case[] = [
  [
    "an unknown key",
    "interval: 2s",
    "intervall: 2s",
    ['site.yaml:10:5: devices.0.intervall: unknown option "intervall". Did you mean "interval"?'],
  ],
  [
    "one that is like no other is told all there are",
    "interval: 2s",
    "colour: blue",
    [
      'site.yaml:10:5: devices.0.colour: unknown option "colour"; expected one of id, name, profile, bus, address, location, interval, labels, identity, rows, points, rules',
    ],
  ],
  [
    "an unknown section",
    "version: 1\n",
    "version: 1\ndevises: []\n",
    ['site.yaml:2:1: devises: unknown option "devises". Did you mean "devices"?'],
  ],
  [
    "a misspelt profile of those built in",
    "profile: meter/test",
    "profile: meter/eastron-sdm63",
    [
      'site.yaml:7:5: devices.0.profile: no profile "meter/eastron-sdm63"; expected a file profiles/meter/eastron-sdm63.yaml beside the site file, or one of those built in. Did you mean "meter/eastron-sdm630"?',
    ],
  ],
  [
    "a profile that would lead out of the folder",
    "profile: meter/test",
    "profile: ../../etc/passwd",
    ["site.yaml:7:5: devices.0.profile: expected class/maker-model, such as ups/rfc1628"],
  ],
  [
    "a misspelt rule option",
    "{ onDelay: 5s }",
    "{ onDealy: 5s }",
    ['site.yaml:14:15: devices.0.rules.high.onDealy: unknown option "onDealy". Did you mean "onDelay"?'],
  ],
  [
    "a misspelt rule",
    "high: {",
    "hihg: {",
    ['site.yaml:14:7: devices.0.rules.hihg: no rule "hihg"; expected a type or use to add it. Did you mean "high"?'],
  ],
  [
    "a misspelt rule to switch off, which would stay on",
    "comm: null",
    "com: null",
    [
      'site.yaml:15:7: devices.0.rules.com: no rule "com" to switch off; expected one of high, comm. Did you mean "comm"?',
    ],
  ],
  [
    "a misspelt point",
    "power: {",
    "pwoer: {",
    ['site.yaml:12:7: devices.0.points.pwoer: no point "pwoer"; expected an address to add it. Did you mean "power"?'],
  ],
  [
    "an unknown point in a rule that the site adds",
    "comm: null",
    "wet: { type: state, point: dor, normal: [0], map: { 1: low } }",
    [
      'site.yaml:15:27: devices.0.rules.wet.point: expected a point of this device (power, door) or "*". Did you mean "door"?',
    ],
  ],
  [
    "a rule about no point",
    "comm: null",
    "wet: { type: state, normal: [0], map: { 1: low } }",
    ['site.yaml:15:7: devices.0.rules.wet.point: missing; expected a point of this device (power, door) or "*".'],
  ],
  [
    "a point where none belongs",
    "comm: null",
    "comm: { point: power }",
    ["site.yaml:15:15: devices.0.rules.comm.point: a comm rule is about the device; expected no point"],
  ],
  [
    "a misspelt rule type",
    "comm: null",
    "wet: { type: levle, point: door }",
    [
      'site.yaml:15:14: devices.0.rules.wet.type: expected one of level, roc, excursion, deviation, ttl, flatline, state, bits, vote, expression, group, stale, comm, identity. Did you mean "level"?',
    ],
  ],
  [
    "levels in the wrong order",
    "{ onDelay: 5s }",
    "{ levels: [{ limit: 80, severity: high }, { limit: 90, severity: low }] }",
    [
      "site.yaml:14:15: devices.0.rules.high.levels: limit of high must lie beyond that of low on the high side; expected a higher one",
    ],
  ],
  [
    "levels in the wrong order on the low side",
    "{ onDelay: 5s }",
    "{ levels: [{ side: low, limit: 9, severity: high }, { side: low, limit: 8, severity: low }] }",
    [
      "site.yaml:14:15: devices.0.rules.high.levels: limit of high must lie beyond that of low on the low side; expected a lower one",
    ],
  ],
  [
    "no levels",
    "{ onDelay: 5s }",
    "{ levels: [] }",
    ["site.yaml:14:15: devices.0.rules.high.levels: expected at least 1 entries"],
  ],
  [
    "a misspelt class rule",
    "comm: null",
    "cold: { use: rack/inlet-cod, point: power }",
    ['site.yaml:15:15: devices.0.rules.cold.use: no rule "inlet-cod" in rules/rack.yaml. Did you mean "inlet-cold"?'],
  ],
  [
    "a class rule that is like no other is told all there are",
    "comm: null",
    "cold: { use: battery/vented, point: power }",
    [
      'site.yaml:15:15: devices.0.rules.cold.use: no rule "vented" in rules/battery.yaml; expected one of hot, above-room',
    ],
  ],
  [
    "a misspelt class",
    "comm: null",
    "cold: { use: rak/inlet-cold, point: power }",
    [
      'site.yaml:15:15: devices.0.rules.cold.use: no class rules "rak"; expected a file rules/rak.yaml beside the site file, or one of those built in. Did you mean "rack"?',
    ],
  ],
  [
    "a class rule that would lead out of the folder",
    "comm: null",
    "cold: { use: ../../etc/passwd, point: power }",
    ["site.yaml:15:15: devices.0.rules.cold.use: expected class/rule, such as rack/inlet-hot"],
  ],
  [
    "a class rule without its point",
    "comm: null",
    "swing: { use: air/stuck }",
    ['site.yaml:15:7: devices.0.rules.swing.point: missing; expected a point of this device (power, door) or "*".'],
  ],
  [
    "a misspelt option beside a class rule",
    "comm: null",
    "swing: { use: air/stuck, point: power, severty: medium }",
    ['site.yaml:15:46: devices.0.rules.swing.severty: unknown option "severty". Did you mean "severity"?'],
  ],
  [
    "a class rule in another unit",
    "comm: null",
    "cold: { use: rack/inlet-cold, point: power }",
    ["site.yaml:15:7: devices.0.rules.cold.unit: limits in Cel, but the point is in kW; expected the same"],
  ],
  [
    "a class rule whose window holds too few readings of this point",
    "comm: null",
    "rising: { use: liquid/supply-rising, point: power, unit: kW }",
    [
      "site.yaml:15:7: devices.0.rules.rising.window: holds 2 readings at an interval of 30 s, 3 are needed; expected a longer window or a shorter interval",
    ],
  ],
  [
    "a class rule of another type",
    "comm: null",
    "wet: { use: leak/leak, type: level, point: door }",
    ["site.yaml:15:30: devices.0.rules.wet.type: leak/leak is a state rule; expected no type or one of state, bits"],
  ],
  [
    "a class rule for a rule that the profile gives whole",
    "{ onDelay: 5s }",
    "{ use: ups/load }",
    [
      "site.yaml:14:15: devices.0.rules.high.use: the profile's own rule uses none and gives every option itself; expected another name for this rule",
    ],
  ],
  [
    "a state that is never an alarm",
    "comm: null",
    "wet: { type: state, point: door, normal: [0] }",
    [
      "site.yaml:15:7: devices.0.rules.wet.alarm: missing; expected alarm: [values] with a severity, or map: { value: severity }",
    ],
  ],
  [
    "alarms of no severity",
    "comm: null",
    "wet: { type: state, point: door, normal: [0], alarm: [1] }",
    [
      "site.yaml:15:7: devices.0.rules.wet.severity: missing; expected alarm: [values] with a severity, or map: { value: severity }",
    ],
  ],
  [
    "a state that is normal and an alarm",
    "comm: null",
    "wet: { use: leak/leak, point: door, normal: [0, 1], alarm: [1] }",
    ["site.yaml:15:59: devices.0.rules.wet.alarm: value 1 is normal and an alarm; expected one of both"],
  ],
  [
    "a state that has two severities",
    "comm: null",
    "wet: { use: leak/leak, point: door, normal: [0], alarm: [1], map: { 1: low } }",
    ["site.yaml:15:68: devices.0.rules.wet.map: value 1 is under alarm and under map; expected one of both"],
  ],
  [
    "a word of which no bit is watched",
    "comm: null",
    "wet: { type: bits, point: door }",
    [
      "site.yaml:15:7: devices.0.rules.wet.bit: missing; expected bit: number with a severity, or bits: { number: { severity } }",
    ],
  ],
  [
    "a bit of no severity",
    "comm: null",
    "wet: { type: bits, point: door, bit: 0 }",
    [
      "site.yaml:15:7: devices.0.rules.wet.severity: missing; expected bit: number with a severity, or bits: { number: { severity } }",
    ],
  ],
  [
    "one bit and several",
    "comm: null",
    "wet: { use: leak/leak, type: bits, point: door, bit: 0, bits: { 1: { severity: low } } }",
    ["site.yaml:15:55: devices.0.rules.wet.bit: bit and bits are both given; expected one of both"],
  ],
  [
    "a number where a duration belongs",
    "interval: 2s",
    "interval: 2",
    ['site.yaml:10:5: devices.0.interval: expected a duration such as "10s", "5m", "500ms"'],
  ],
  [
    "a bad duration",
    "interval: 2s",
    "interval: 2 seconds",
    ['site.yaml:10:5: devices.0.interval: expected a duration such as "10s", "5m", "500ms"'],
  ],
  [
    "an interval that would ask without a pause",
    "interval: 2s",
    "interval: 0s",
    ["site.yaml:10:5: devices.0.interval: expected at least 100ms"],
  ],
  [
    "a wrong type",
    "id: meter-1",
    "id: 5",
    ['site.yaml:6:5: devices.0.id: expected a text, not a number; put it in "quotes"'],
  ],
  [
    "a list where a map belongs",
    "address: { unit: 3 }",
    "address: [3]",
    ["site.yaml:9:5: devices.0.address: expected options, as  name: value, not a list"],
  ],
  [
    "something missing",
    "    profile: meter/test\n",
    "",
    ["site.yaml:6:5: devices.0.profile: missing; expected class/maker-model, such as ups/rfc1628"],
  ],
  ["a missing version", "version: 1\n", "", ["site.yaml:1:1: version: missing; expected 1"]],
  ["another version", "version: 1", "version: 2", ["site.yaml:1:1: version: expected 1"]],
  [
    "a device id twice",
    "id: ups-1",
    "id: meter-1",
    ['site.yaml:16:5: devices.1.id: device id "meter-1" is there twice; expected another one'],
  ],
  [
    "the agent's own id",
    "id: ups-1",
    "id: agent",
    ['site.yaml:16:5: devices.1.id: device id "agent" is kept for the agent itself; expected another one'],
  ],
  [
    "an id that no topic could carry",
    "id: ups-1",
    "id: ups/1",
    ["site.yaml:16:5: devices.1.id: expected 1 to 64 letters, digits, _ or -"],
  ],
  ["a key twice", "    interval: 2s", "    bus: other", ["site.yaml:10:5: this key is there twice; expected it once"]],
  [
    "a bus called like a device that has its own",
    "gateway: {",
    "ups-1: { protocol: modbus, host: 192.0.2.10 }\n  gateway: {",
    [
      'site.yaml:4:3: buses.ups-1: a device with a bus of its own is also called "ups-1"; expected another name for this bus',
    ],
  ],
  [
    "an unknown bus",
    "bus: gateway",
    "bus: gatway",
    ['site.yaml:8:5: devices.0.bus: no bus "gatway"; expected one of gateway. Did you mean "gateway"?'],
  ],
  [
    "a bus called like something every object has",
    "bus: gateway",
    "bus: constructor",
    ['site.yaml:8:5: devices.0.bus: no bus "constructor"; expected one of gateway.'],
  ],
  [
    "a number for a bus",
    "bus: gateway",
    "bus: 5",
    ["site.yaml:8:5: devices.0.bus: expected the name of a bus, or a bus of its own"],
  ],
  [
    "an unknown protocol, told once and not for the devices on it",
    "{ protocol: modbus,",
    "{ protocol: modbuss,",
    ['site.yaml:4:14: buses.gateway.protocol: expected one of modbus, snmp, bacnet. Did you mean "modbus"?'],
  ],
  [
    "no protocol",
    "{ protocol: modbus,",
    "{",
    ["site.yaml:4:3: buses.gateway.protocol: missing; expected one of modbus, snmp, bacnet."],
  ],
  ["a bus without a host", ", host: 192.0.2.10", "", ["site.yaml:4:3: buses.gateway.host: missing; expected a text"]],
  [
    "Modbus: a serial port without its path",
    "host: 192.0.2.10",
    "transport: rtu",
    ["site.yaml:4:3: buses.gateway.path: missing; expected a text"],
  ],
  [
    "Modbus: a serial port with a host",
    "host: 192.0.2.10",
    "transport: rtu, path: /dev/ttyS0, host: 192.0.2.10",
    ["site.yaml:4:66: buses.gateway.host: a serial port has none; expected this to be left out"],
  ],
  [
    "Modbus: a baud rate without a serial port",
    "host: 192.0.2.10",
    "host: 192.0.2.10, baud: 9600",
    ["site.yaml:4:50: buses.gateway.baud: only a serial port (transport: rtu) has one; expected this to be left out"],
  ],
  [
    "Modbus: three stop bits",
    "host: 192.0.2.10",
    "transport: rtu, path: /dev/ttyS0, stopBits: 3",
    ["site.yaml:4:66: buses.gateway.stopBits: expected one of 1, 2"],
  ],
  [
    "a gateway twice",
    "gateway: { protocol: modbus, host: 192.0.2.10 }",
    "gateway: { protocol: modbus, host: gw.example }\n  again: { protocol: modbus, host: GW.example, port: 502 }",
    [
      'site.yaml:5:3: buses.again: gw.example:502 is that of bus "gateway" already; expected one bus under buses, which all its devices name',
    ],
  ],
  [
    "a serial port twice, the second time as a device's own",
    "gateway: { protocol: modbus, host: 192.0.2.10 }\ndevices:",
    "gateway: { protocol: modbus, transport: rtu, path: /dev/ttyS0 }\ndevices:\n  - { id: m2, profile: meter/test, bus: { protocol: modbus, transport: rtu, path: /dev/ttyS0, baud: 9600 } }",
    [
      'site.yaml:6:36: devices.0.bus: /dev/ttyS0 is that of bus "gateway" already; expected one bus under buses, which all its devices name',
    ],
  ],
  [
    "an unknown bus option",
    "host: 192.0.2.10",
    "host: 192.0.2.10, prot: 503",
    ['site.yaml:4:50: buses.gateway.prot: unknown option "prot". Did you mean "port"?'],
  ],
  [
    "an unknown time zone",
    "Europe/Berlin",
    "Europe/Berln",
    ["site.yaml:2:19: site.timeZone: expected an IANA time zone, such as Europe/Berlin or UTC"],
  ],
  [
    "a profile of another protocol",
    "profile: ups/test",
    "profile: meter/test",
    ["site.yaml:17:5: devices.1.profile: profile meter/test speaks modbus, its bus snmp; expected the same"],
  ],
  [
    "a port out of range",
    "host: 192.0.2.10",
    "host: 192.0.2.10, port: 70000",
    ["site.yaml:4:50: buses.gateway.port: expected at most 65535"],
  ],
  [
    "Modbus: a unit out of range",
    "unit: 3",
    "unit: 300",
    ["site.yaml:9:16: devices.0.address.unit: expected at most 255"],
  ],
  ["Modbus: half a unit", "unit: 3", "unit: 3.5", ["site.yaml:9:16: devices.0.address.unit: expected a whole number"]],
  [
    "BACnet: the wildcard instance",
    "instance: 1001",
    "instance: 4194303",
    ["site.yaml:22:16: devices.2.address.instance: expected at most 4194302"],
  ],
  [
    "BACnet: a name for an address",
    "192.0.2.30",
    "crac.example",
    ["site.yaml:21:30: devices.2.bus.host: expected a numeric IPv4 address, such as 192.0.2.30"],
  ],
  [
    "SNMP: a URL for a host",
    "ups-1.example",
    "http://ups-1",
    ["site.yaml:18:28: devices.1.bus.host: expected an IP address or a host name"],
  ],
  [
    "SNMP: a user in version 2c",
    'community: "${env:COMMUNITY}"',
    "user: ops",
    ["site.yaml:18:49: devices.1.bus.user: SNMPv2c has none; expected version: 3"],
  ],
  [
    "SNMP: version 3 with a community and without a user",
    "host: ups-1.example,",
    "host: ups-1.example, version: 3,",
    [
      "site.yaml:18:5: devices.1.bus.user: missing; expected the user's name, by which SNMPv3 asks",
      "site.yaml:18:61: devices.1.bus.community: SNMPv3 has none; expected user, auth and priv",
    ],
  ],
  [
    "SNMP: a version that there is not",
    "host: ups-1.example,",
    'host: ups-1.example, version: "3",',
    ["site.yaml:18:49: devices.1.bus.version: expected one of 1, 2c, 3; take it out of its quotes"],
  ],
  [
    "SNMP: an address, of which it has none",
    "    profile: ups/test\n",
    "    profile: ups/test\n    address: { unit: 1 }\n",
    ['site.yaml:18:16: devices.1.address.unit: unknown option "unit"; expected none'],
  ],
  [
    "a procedure that is no link",
    "{ onDelay: 5s }",
    "{ runbook: wiki }",
    ["site.yaml:14:15: devices.0.rules.high.runbook: expected a URL, such as https://wiki.example/procedure"],
  ],
  [
    "an alias without its anchor",
    "address: { unit: 3 }",
    "address: *unit",
    ["site.yaml:9:14: no anchor for *unit; expected &unit before it"],
  ],
  [
    "YAML that ends too early",
    "interval: 2s",
    "interval: [2s",
    [
      "site.yaml:11:5: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; expected YAML as in config/example-site.yaml",
    ],
  ],
  [
    "a tab: only the first mistake of syntax, as the others follow from it",
    "    interval: 2s",
    "\tinterval: 2s",
    ["site.yaml:10:1: not YAML: Tabs are not allowed as indentation; expected YAML as in config/example-site.yaml"],
  ],
  [
    "a second document",
    "version: 1\n",
    "version: 1\n---\n",
    ["site.yaml:2:1: a second document begins here (---); expected one"],
  ],
];

export const profiles = { "meter/test": meter, "ups/test": ups, "crac/test": crac };
export const inProfile: readonly (readonly [keyof typeof profiles, ...Case])[] = [
  [
    "meter/test",
    "a name that is not its file's",
    "profile: meter/test",
    "profile: meter/tset",
    ["profiles/meter/test.yaml:1:1: profile: does not fit the file's name; expected meter/test"],
  ],
  [
    "meter/test",
    "an unknown protocol, told where it stands and not for each device",
    "protocol: modbus",
    "protocol: mobdus",
    ['profiles/meter/test.yaml:3:1: protocol: expected one of modbus, snmp, bacnet. Did you mean "modbus"?'],
  ],
  [
    "meter/test",
    "a register out of range",
    "register: 52",
    "register: 65536",
    ["profiles/meter/test.yaml:6:62: points.power.address.register: expected at most 65535"],
  ],
  [
    "meter/test",
    "a value that reaches out of range",
    "register: 52",
    "register: 65535",
    [
      "profiles/meter/test.yaml:6:62: points.power.address.register: a value from input 65535 (365536) reaches beyond register 65535; expected a lower one",
    ],
  ],
  [
    "meter/test",
    "a type for a single bit",
    "register: 7 ",
    "register: 7, type: f32 ",
    [
      "profiles/meter/test.yaml:7:52: points.door.address.type: a discrete is a single bit; expected this to be left out",
    ],
  ],
  [
    "meter/test",
    "a misspelt table",
    "table: input",
    "table: inputs",
    [
      'profiles/meter/test.yaml:6:48: points.power.address.table: expected one of holding, input, coil, discrete. Did you mean "input"?',
    ],
  ],
  [
    "ups/test",
    "an OID with a leading dot",
    "oid: 1.3",
    "oid: .1.3",
    [
      "profiles/ups/test.yaml:6:35: points.charge.address.oid: expected a numeric OID without a leading dot, such as 1.3.6.1.2.1.33.1.2.4.0",
    ],
  ],
  [
    "crac/test",
    "an object instance out of range",
    "instance: 1 ",
    "instance: 4194303 ",
    ["profiles/crac/test.yaml:6:47: points.running.address.instance: expected at most 4194302"],
  ],
  [
    "crac/test",
    "a misspelt option of a rule",
    "normal: [1]",
    "nromal: [1]",
    [
      'profiles/crac/test.yaml:8:43: rules.stopped.nromal: unknown option "nromal". Did you mean "normal"?',
      "profiles/crac/test.yaml:8:3: rules.stopped.normal: missing; expected a list",
    ],
  ],
  [
    "meter/test",
    "a misspelt severity, in a rule of which the site changes something else",
    "severity: low",
    "severity: lwo",
    [
      'profiles/meter/test.yaml:13:22: rules.high.levels.0.severity: expected one of info, low, medium, high, critical. Did you mean "low"?',
    ],
  ],
  [
    "meter/test",
    "an unknown point in a rule",
    "point: power",
    "point: powr",
    [
      'profiles/meter/test.yaml:11:5: rules.high.point: expected a point of this device (power, door) or "*". Did you mean "power"?',
    ],
  ],
  [
    "meter/test",
    "a point with something wrong in it, which its rules may still be about",
    "unit: kW,",
    "scale: ten, counter: { bits: 8, maxRate: 0 },",
    [
      "profiles/meter/test.yaml:6:12: points.power.scale: expected a number, not a text",
      "profiles/meter/test.yaml:6:35: points.power.counter.bits: expected one of 16, 32, 64",
      "profiles/meter/test.yaml:6:44: points.power.counter.maxRate: expected more than 0",
    ],
  ],
  [
    "meter/test",
    "a range the wrong way round",
    "unit: kW,",
    "range: [9, 1],",
    ["profiles/meter/test.yaml:6:12: points.power.range: expected the lower number first"],
  ],
  [
    "meter/test",
    "a name of a point with a blank in it",
    "  door: {",
    "  front door: {",
    ["profiles/meter/test.yaml:7:3: points.front door: not a name: expected 1 to 64 letters, digits, _ or -"],
  ],
];
