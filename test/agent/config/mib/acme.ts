/** MIBs of a maker that there is none of, with what makers write: SMIv2 and SMIv1. */

export const acme = `
ACME-UPS-MIB DEFINITIONS ::= BEGIN
-- ------------------------------------------------------------ comments -- of hyphens
IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, Gauge32,
    Counter32, enterprises
        FROM SNMPv2-SMI
    DisplayString, TruthValue, TEXTUAL-CONVENTION
        FROM SNMPv2-TC
    acmeProducts, Tenths
        FROM ACME-ROOT-MIB;

acmeUps MODULE-IDENTITY
    LAST-UPDATED "202401010000Z"
    ORGANIZATION "Acme"
    CONTACT-INFO "nobody, ""really"""
    DESCRIPTION  "A UPS { that ( is not real"
    REVISION     "202401010000Z"
    DESCRIPTION  "The first."
    ::= { acmeProducts 7 }

acmeBattery OBJECT IDENTIFIER ::= { acmeUps battery(2) }

State ::= TEXTUAL-CONVENTION
    STATUS current
    DESCRIPTION "How it is."
    SYNTAX INTEGER { unknown(1), allIsWell(2), onFire(3), }

acmeModel OBJECT-TYPE
    SYNTAX      DisplayString (SIZE (0..63))
    MAX-ACCESS  read-only
    STATUS      current
    DESCRIPTION "Its model."
    ::= { acmeUps 1 }
acmeBatteryStatus OBJECT-TYPE
    SYNTAX State
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "The battery's state. More of it: ::= { x 1 }"
    ::= { acmeBattery 1 }
acmeBatteryVoltage OBJECT-TYPE
    SYNTAX Integer32 (-100..1000 | 2000)
    UNITS "0.1 Volt DC"
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "Its voltage."
    DEFVAL { 0 }
    ::= { acmeBattery 2 }
acmeBatteryTemperature OBJECT-TYPE
    SYNTAX Tenths
    UNITS "degrees Celsius"
    MAX-ACCESS read-write
    STATUS current
    DESCRIPTION "How warm it is."
    ::= { acmeBattery 3 }
acmeOnBattery OBJECT-TYPE
    SYNTAX TruthValue
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "Whether it is."
    ::= { acmeBattery 4 }
acmeTimeLeft OBJECT-TYPE
    SYNTAX TimeTicks
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "Time left."
    ::= { acmeBattery 5 }
acmeSecret OBJECT-TYPE
    SYNTAX Integer32
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "Nobody can read it."
    ::= { acmeBattery 6 }
acmeTransfers OBJECT-TYPE
    SYNTAX Counter32
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "How often."
    ::= { acmeBattery 7 }

acmeOutletTable OBJECT-TYPE
    SYNTAX SEQUENCE OF AcmeOutletEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "Outlets."
    ::= { acmeUps 3 }
acmeOutletEntry OBJECT-TYPE
    SYNTAX AcmeOutletEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "An outlet."
    INDEX { acmeOutletBank, IMPLIED acmeOutletNumber }
    ::= { acmeOutletTable 1 }
AcmeOutletEntry ::= SEQUENCE { acmeOutletBank Integer32, acmeOutletNumber Integer32, acmeOutletCurrent Gauge32 }
acmeOutletNumber OBJECT-TYPE
    SYNTAX Integer32 (1..24)
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "Its number."
    ::= { acmeOutletEntry 2 }
acmeOutletCurrent OBJECT-TYPE
    SYNTAX Gauge32
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "Indicates the current, in hundredths of amps, of this outlet."
    ::= { acmeOutletEntry 3 }

acmeOutletMoreTable OBJECT-TYPE
    SYNTAX SEQUENCE OF AcmeOutletMoreEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "More of outlets."
    ::= { acmeUps 4 }
acmeOutletMoreEntry OBJECT-TYPE
    SYNTAX AcmeOutletMoreEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "More of an outlet."
    AUGMENTS { acmeOutletEntry }
    ::= { acmeOutletMoreTable 1 }
AcmeOutletMoreEntry ::= SEQUENCE { acmeOutletAge Integer32 }
acmeOutletAge OBJECT-TYPE
    SYNTAX Integer32
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "Its age."
    ::= { acmeOutletMoreEntry 1 }

acmeTrap NOTIFICATION-TYPE
    OBJECTS { acmeBatteryStatus }
    STATUS current
    DESCRIPTION "Told."
    ::= { acmeUps 0 1 }
END
`;

export const acmeRoot = `
ACME-ROOT-MIB DEFINITIONS ::= BEGIN
IMPORTS OBJECT-TYPE FROM RFC-1212 enterprises FROM RFC1155-SMI TRAP-TYPE FROM RFC-1215;
acme          OBJECT IDENTIFIER ::= { enterprises 99999 }
acmeProducts  OBJECT IDENTIFIER ::= { acme products(1) }
Tenths ::= TEXTUAL-CONVENTION DISPLAY-HINT "d-1" STATUS current DESCRIPTION "Tenths." SYNTAX INTEGER
acmeAge OBJECT-TYPE
    SYNTAX INTEGER
    ACCESS read-only
    STATUS mandatory
    DESCRIPTION "How old it is, in hours."
    ::= { acmeProducts 1 }
acmeFire TRAP-TYPE
    ENTERPRISE acme
    DESCRIPTION "Fire."
    ::= 3
END
`;
