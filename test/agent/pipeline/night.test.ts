import { expect, test } from "vitest";
import { type Language, languages } from "../../../agent/core/language.ts";
import { timeOfDay } from "../../../agent/core/text.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";
import { type Plot, play } from "../../scenarios/night.ts";
import { nightSite, recordsOf } from "./night-site.ts";

/** What a technician reads in a night, from 03:00 on, of a site where much goes wrong. */
const within = (second: number, from: number, to: number): boolean => second >= from && second < to;
const by = { user: "tech", role: "technician" } as const;

/** Twelve racks warm up when CRAC-4 has stopped, each a little later, the first the most. */
const hot = [..."123456789"].map((i) => `pdu-a${i}`).concat("pdu-b1", "pdu-b2", "pdu-b3");

function inlet(rack: string, second: number): number | undefined {
  if (rack === "rack-k1") return within(second, 1200, 1560) ? 24 + (second - 1200) / 60 : undefined;
  const place = hot.indexOf(rack);
  if (place < 0) return undefined;
  const warm = Math.min(13.4 - place / 2, Math.max(0, second - 240 - place * 20) / (place === 0 ? 50 : 60));
  return rack !== "pdu-a2" && second >= 1500 ? 23 : 23 + warm;
}

const plot: Plot = {
  seconds: 2700,
  value(device, point, second) {
    switch (`${device}/${point}`) {
      case "crac-4/running":
        return within(second, 120, 1500) ? 0 : 1;
      case "crac-2/supply-temperature":
        return second >= 300 ? 23.4 : undefined;
      case "ups-a/minutes-remaining":
        return second >= 600 ? 8 : undefined;
      case "ups-a/output-source":
        return within(second, 700, 1700) ? 4 : undefined;
      case "ups-b/output-source":
        return within(second, 900, 1000) ? 5 : undefined;
      case "meter-1/voltage-l1":
        return within(second, 920, 1000) ? 0 : undefined;
      case "meter-1/frequency":
        return within(second, 1800, 1900) ? 51.2 : undefined;
      case "leak-1/status":
        return within(second, 1300, 1600) ? 1 : 0;
    }
    return point === "inlet-temperature" ? inlet(device, second) : undefined;
  },
  silent: (device, second) =>
    (device === "pdu-j5" && within(second, 300, 1900)) || (/^pdu-c[1-6]$/.test(device) && second >= 2000),
  meanwhile(rehearsal, second) {
    const say = (key: string, name: "ack" | "reset" | "maintenance" | "shelve"): void => {
      const command = { name, forMs: 900_000, reason: "works", named: true, by } as never;
      expect(rehearsal.command(key, command, second * 1000)).toBeNull();
    };
    if (second === 600) say("dc/ups-a/output-source/on-bypass", "maintenance");
    if (second === 700) say("dc/crac-4/running/stopped", "ack");
    if (second === 1000) say("dc/crac-2/supply-temperature/supply-warm", "shelve");
    if (second === 1700) say("dc/leak-1/status/leak#0", "ack");
    if (second === 1750) say("dc/leak-1/status/leak#0", "reset");
  },
};

const nights = Object.fromEntries(
  languages.map((language) => {
    const site = nightSite(language);
    return [language, recordsOf(site, play(site, plot))];
  }),
) as unknown as Readonly<Record<Language, readonly EventRecord[]>>;

/** Which of them to look at: the end of a key, then a kind or a reason. */
const looked: readonly (readonly [key: string, what: string])[] = [
  ["crac-4/running/stopped", "raise"],
  ["zone-east/-/redundancy-lost", "raise"],
  ["pdu-a1/inlet-temperature/inlet-rising", "raise"],
  ["zone-east/-/hot", "raise"],
  ["pdu-j5/-/comm", "unheld"],
  ["pdu-a1/inlet-temperature/inlet-hot", "raise"],
  ["crac-2/supply-temperature/supply-warm", "raise"],
  ["ups-a/minutes-remaining/runtime", "raise"],
  ["crac-4/running/stopped", "ack"],
  ["pdu-a1/inlet-temperature/inlet-hot", "severity_up"],
  ["ups-a/minutes-remaining/runtime", "re_alarm"],
  ["meter-1/voltage-l1/supply-lost", "raise"],
  ["ups-b/output-source/on-battery", "suppressed"],
  ["zone-east/-/hot", "severity_up"],
  ["crac-2/supply-temperature/supply-warm", "shelve"],
  ["meter-1/voltage-l1/supply-lost", "clear"],
  ["rack-k1/inlet-temperature/inlet-hot-soon", "raise"],
  ["leak-1/status/leak#0", "raise"],
  ["ups-a/output-source/on-bypass", "maintenance_end"],
  ["crac-4/running/stopped", "clear"],
  ["leak-1/status/leak#0", "rtn_latched"],
  ["zone-east/-/hot", "unsuppressed"],
  ["meter-1/frequency/frequency/high", "raise"],
  ["crac-2/supply-temperature/supply-warm", "expired"],
  ["segment-127-0-0/-/unreachable", "unheld"],
];

const found = (language: Language, [key, what]: (typeof looked)[number]): EventRecord => {
  const one = nights[language].find(
    ({ conditionKey, kind, reason }) => conditionKey === `dc/${key}` && (reason ?? kind) === what,
  );
  if (one === undefined) throw new Error(`nothing was told of ${key} ${what}`);
  return one;
};

/** When it was told, and "!" where somebody is called. */
const read = (language: Language): string =>
  looked
    .map((one) => found(language, one))
    .map(({ at, annunciate, text }) => {
      return `${timeOfDay(Date.parse(at), "Europe/Berlin")} ${annunciate ? "!" : " "} ${text}`;
    })
    .join("\n");

test("as it is read in English", () => {
  expect(read("en")).toMatchInlineSnapshot(`
    "03:02 ! Hall 1 CRAC-4 stopped since 03:02; tripped or switched off. Read its alarm list, then reset it. Else: the zone heats up within minutes.
    03:04 ! Hall 1 Zone east: no cooling unit to spare, 1 of 4 lost since 03:02; CRAC-4 stopped. Bring the stopped unit back before another one fails.
    03:05   Hall 1 rack A1 PDU inlet rising 1.2 °C/min (limit 1) since 03:05; CRAC-4 stopped. Check the zone's CRACs.
    03:09   Hall 1 Zone east: 3 of 100 racks hot, worst rack A1 PDU 25 °C since 03:09; CRAC-4 stopped. Check the zone's CRACs.
    03:07 ! Hall 1 rack J5 PDU does not answer since 03:05; network card or network. Check the switch port, then the card.
    03:08   Hall 1 rack A1 PDU inlet 28.4 °C (limit 27) since 03:07; CRAC-4 stopped. Check the zone's CRACs.
    03:10 ! Hall 1 CRAC-2 supply air 23.4 °C, 5.4 off (limit 4) since 03:05; chilled water or compressor. Check valve and water. Else: inlets heat up.
    03:10 ! UPS room UPS-A runtime left 8 min (limit 10) since 03:10; battery aged or load too high. Prepare to shut down.
    03:11 ! Hall 1 CRAC-4 stopped: acknowledged.
    03:12   Hall 1 rack A1 PDU inlet 33.4 °C (limit 32) since 03:07; CRAC-4 stopped. Check the zone's CRACs.
    03:15 ! UPS room UPS-A runtime left still 8 min (limit 10) since 03:10; battery aged or load too high. Prepare to shut down.
    03:15 ! Switch room Main meter supply 0 V (limit 115) since 03:15; utility or feeder. Check that the generator runs. Else: UPSs go to battery.
    03:15   UPS room UPS-B on battery since 03:15, explained by Main meter supply 0 V (limit 115).
    03:14 ! Hall 1 Zone east: 12 of 100 racks hot, worst rack A1 PDU 35.2 °C since 03:09; CRAC-4 stopped. Check the zone's CRACs.
    03:16   Hall 1 CRAC-2 supply air shelved.
    03:17 ! Switch room Main meter supply back to normal (230 V) after 105 s.
    03:21 ! Hall 2 rack K1 PDU inlet 25.2 °C, 32 in 6 min since 03:20; cooling lost. Check the zone's CRACs.
    03:21 ! Hall 1 row F Leak cable water detected since 03:21. Look under the floor where its display says, close the valve.
    03:25 ! UPS room UPS-A on bypass since 03:11, maintenance is over; overload, fault or maintenance switch. Read its alarm list, then its load.
    03:26 ! Hall 1 CRAC-4 stopped: back to normal after 24 min.
    03:26 ! Hall 1 row F Leak cable water detected: back to normal after 5 min, to be reset.
    03:28 ! Hall 1 Zone east: 1 of 100 racks hot, worst rack A2 PDU 35.2 °C since 03:09, goes on after CRAC-4 is back to normal. Check the zone's CRACs.
    03:30 ! Switch room Main meter frequency 51.2 Hz (limit 51) since 03:30; generator or grid. Check what feeds this meter. Else: UPSs go to battery.
    03:31 ! Hall 1 CRAC-2 supply air 5.4 off (limit 4) since 03:05, no longer shelved; chilled water or compressor. Check valve and water.
    03:36 ! Segment 127.0.0: 6 of 109 devices do not answer since 03:35; switch, gateway or cable. Check what they share, not each of them."
  `);
});

test("as it is read in German", () => {
  expect(read("de")).toMatchInlineSnapshot(`
    "03:02 ! Hall 1 CRAC-4 gestoppt seit 03:02; ausgelöst oder abgeschaltet. Alarmliste lesen, dann zurücksetzen.
    03:04 ! Hall 1 Zone east: keine Kühlreserve, 1 von 4 ausgefallen seit 03:02; CRAC-4 gestoppt. Gestopptes Gerät wieder in Gang bringen.
    03:05   Hall 1 Rack A1 PDU Zuluft steigend 1,2 °C/min (Grenze 1) seit 03:05; CRAC-4 gestoppt. Klimageräte der Zone prüfen.
    03:09   Hall 1 Zone east: 3 von 100 Racks heiß, Spitze Rack A1 PDU 25 °C seit 03:09; CRAC-4 gestoppt. Klimageräte der Zone prüfen.
    03:07 ! Hall 1 Rack J5 PDU keine Antwort seit 03:05; Netzwerkkarte oder Netzwerk. Switch-Port prüfen, dann Karte.
    03:08   Hall 1 Rack A1 PDU Zuluft 28,4 °C (Grenze 27) seit 03:07; CRAC-4 gestoppt. Klimageräte der Zone prüfen.
    03:10 ! Hall 1 CRAC-2 Zuluft 23,4 °C, Abweichung 5,4 (Grenze 4) seit 03:05; Kaltwasser oder Verdichter. Ventil und Wasser prüfen.
    03:10 ! UPS room UPS-A Restlaufzeit 8 min (Grenze 10) seit 03:10; Batterie gealtert oder Last zu hoch. Herunterfahren vorbereiten.
    03:11 ! Hall 1 CRAC-4 gestoppt: quittiert.
    03:12   Hall 1 Rack A1 PDU Zuluft 33,4 °C (Grenze 32) seit 03:07; CRAC-4 gestoppt. Klimageräte der Zone prüfen.
    03:15 ! UPS room UPS-A Restlaufzeit weiterhin 8 min (Grenze 10) seit 03:10; Batterie gealtert oder Last zu hoch. Herunterfahren vorbereiten.
    03:15 ! Switch room Main meter Einspeisung 0 V (Grenze 115) seit 03:15; Netz oder Einspeisung. Prüfen, ob der Generator läuft.
    03:15   UPS room UPS-B auf Batterie seit 03:15, erklärt durch Main meter Einspeisung 0 V (Grenze 115).
    03:14 ! Hall 1 Zone east: 12 von 100 Racks heiß, Spitze Rack A1 PDU 35,2 °C seit 03:09; CRAC-4 gestoppt. Klimageräte der Zone prüfen.
    03:16   Hall 1 CRAC-2 Zuluft zurückgestellt.
    03:17 ! Switch room Main meter Einspeisung wieder normal (230 V) nach 105 s.
    03:21 ! Hall 2 Rack K1 PDU Zuluft 25,2 °C, 32 in 6 min seit 03:20; Kühlung ausgefallen. Klimageräte der Zone prüfen.
    03:21 ! Hall 1 Reihe F Leak cable Wasser erkannt seit 03:21. Unter dem Boden nachsehen, Ort am Display; Ventil schließen.
    03:25 ! UPS room UPS-A auf Bypass seit 03:11, Wartung beendet; Überlast, Störung oder Wartungsschalter. Alarmliste lesen, dann die Last.
    03:26 ! Hall 1 CRAC-4 gestoppt: wieder normal nach 24 min.
    03:26 ! Hall 1 Reihe F Leak cable Wasser erkannt: wieder normal nach 5 min, noch rücksetzen.
    03:28 ! Hall 1 Zone east: 1 von 100 Racks heiß seit 03:09, hält an, obwohl CRAC-4 wieder normal. Klimageräte der Zone prüfen.
    03:30 ! Switch room Main meter Frequenz 51,2 Hz (Grenze 51) seit 03:30; Generator oder Netz. Einspeisung dieses Zählers prüfen.
    03:31 ! Hall 1 CRAC-2 Zuluft Abweichung 5,4 (Grenze 4) seit 03:05, nicht mehr zurückgestellt; Kaltwasser oder Verdichter. Ventil und Wasser prüfen.
    03:36 ! Segment 127.0.0: 6 von 109 ohne Antwort seit 03:35; Switch, Gateway oder Kabel. Prüfen, was sie teilen, nicht jedes Gerät."
  `);
});

test.each(languages)("whatever else is told that night in %s is short and whole", (language) => {
  expect(nights[language].length).toBeGreaterThan(80);
  for (const { text } of nights[language]) {
    expect(text.length).toBeLessThanOrEqual(140);
    expect(text).not.toMatch(/undefined|NaN|null|object| {2}|\.\.|…|[{}]/);
    expect(text).toMatch(/^(Hall|UPS|Switch|Segment).*\.$/);
  }
});

test("a group's record has the numbers of its text", () => {
  const { impacted, text } = found("en", ["zone-east/-/hot", "severity_up"]);
  expect(text).toContain(`${impacted!.devices} of 100 racks hot`);
  expect(impacted).toEqual({ devices: 12, points: 12 });
});

test("a record has its rule's runbook and its device's labels as they are", () => {
  expect(found("de", ["ups-a/minutes-remaining/runtime", "raise"])).toMatchObject({
    runbook: "https://wiki.example/ups-runtime",
    labels: { tenant: "shared", criticality: "1" },
  });
});
