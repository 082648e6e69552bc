/** EDE files of a plant that there is none of, with what makers write: a chiller of all columns, a CRAC of few. */

const header = [
  "# Proposal_Engineering-Data-Exchange - B.I.G.-EU;;;;",
  "PROJECT_NAME;Kältezentrale;;",
  "VERSION_OF_REFERENCEFILE;3",
  "TIMESTAMP_OF_LAST_CHANGE;30. Nov 26",
  "AUTHOR_OF_LAST_CHANGE;nobody",
  "VERSION_OF_LAYOUT;2.3",
  "",
  "#mandatory;mandatory;mandatory;mandatory;mandatory;optional",
];
export const columnRow =
  "# keyname;device obj.-instance;object-name;object-type;object-instance;description;present-value-default;" +
  "min-present-value;max-present-value;settable;supports COV;hi-limit;low-limit;state-text-reference;unit-code;" +
  "vendor-specific-address;notification-class";

/** keyname … notification-class, as in `columnRow`. */
const rows = [
  "KM1;3000;KM1;8;3000;Kältemaschine 1;;;;N;N",
  "KM1_TVL;3000;KM1'TVorlauf;0;1;Vorlauftemperatur;6,5;-10,5;60;N;Y;12;4;;62;T1.12;5",
  "KM1_PKA;3000;KM1'Kälteleistung;0;3000109;Kälteleistung;;0;200;N;Y;;;;52;;5",
  "KM1_SP;3000;KM1'Sollwert;2;7;Sollwert Vorlauf;6;5;15;Y;N;;;;62;;",
  "KM1_DT;3000;KM1'Spreizung;2;8;Spreizung;;0;0;N;N;;;;121;;",
  ";;;;;;;;",
  "KM1_BA;3000;KM1'Störung;3;4;Störung;;;;N;Y;;;22;;",
  "KM1_MD;3000;KM1'Betriebsart;19;2;Betriebsart;1;1;4;Y;Y;;;35;;",
  "KM1_WZ;3000;KM1'Zähler;23;1;Wärmezähler;;;;N;N;;;;19;;",
  "KM1_TL;3000;KM1'Trend;20;1;Trend;;;;N;N",
  "KM1_T2;3000;KM1'Trend2;20;2;Trend;;;;N;N",
  "KM1_MK;3000;KM1'Meldeklasse;15;5;Meldeklasse;;;;Y;N",
  "KM1_ZP;3000;KM1'Zeit;17;1;Zeitprogramm;;;;Y;N",
];
export const chiller = `${[...header, columnRow, ...rows].join("\r\n")}\r\n`;

export const stateTexts = [
  "#State Text Reference;;;",
  "#Reference Number;Text 1 or Inactive-Text;Text 2 or Active-Text;Text 3;Text 4",
  "22;in Ordnung;gestört;;",
  '35;aus;"ein; automatisch";;Hand',
  "",
].join("\r\n");

/** In its own order and words, from a tool that writes commas. */
export const crac = [
  "object-type,object-instance,Device Object Instance,Object Name,unit-code,commandable",
  "Analog Input,1,4000,ReturnTemp,degrees-celsius,N",
  "analog-output,2,4000,Fan,%,Y",
  "Multistate Value,3,4000,Mode,---,N",
  "",
].join("\n");
