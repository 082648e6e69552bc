import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { mepwatch } from "../../process.ts";
import { acme, acmeRoot } from "../config/mib/acme.ts";

const root = "1.3.6.1.4.1.99999";

function folderWithMibs(): string {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-mib-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "ACME-UPS-MIB"), acme);
  writeFileSync(join(folder, "ACME-ROOT-MIB"), acmeRoot);
  return folder;
}

async function importMib(...args: string[]) {
  const running = mepwatch(["profiles", "import-mib", ...args]);
  return { code: await running.ended, draft: running.stdout.join("\n"), said: running.stderr.join("\n") };
}

test("a draft has a point for each number, with OID, unit, scale and texts, and a site can use it as it is", async () => {
  const folder = folderWithMibs();
  const files = ["ACME-UPS-MIB", "ACME-ROOT-MIB"].map((name) => join(folder, name));
  const { code, draft, said } = await importMib(...files, "--root", root, "--row", "acmeOutletTable=1.4");
  expect([code, said]).toEqual([0, ""]);
  const { profile, points } = parse(draft);
  expect(points).toEqual({
    "acme-age": { address: { oid: `${root}.1.1.0` }, unit: "h" },
    "acme-battery-status": {
      kind: "state",
      address: { oid: `${root}.1.7.2.1.0` },
      texts: { 1: "unknown", 2: "all is well", 3: "on fire" },
    },
    "acme-battery-voltage": { kind: "voltage", address: { oid: `${root}.1.7.2.2.0` }, unit: "V", scale: 0.1 },
    "acme-battery-temperature": { kind: "temperature", address: { oid: `${root}.1.7.2.3.0` }, unit: "Cel", scale: 0.1 },
    "acme-on-battery": { kind: "state", address: { oid: `${root}.1.7.2.4.0` }, texts: { 1: "true", 2: "false" } },
    "acme-time-left": { address: { oid: `${root}.1.7.2.5.0` }, unit: "s", scale: 0.01 },
    "acme-transfers": { address: { oid: `${root}.1.7.2.7.0` } },
    "acme-outlet-current-1-4": {
      kind: "current",
      address: { oid: `${root}.1.7.3.1.3.1.4` },
      unit: "A",
      scale: 0.01,
    },
  });
  expect(draft).toContain(`#   acmeModel: ${root}.1.7.1.0`);
  expect(draft).not.toContain("acmeSecret");
  mkdirSync(join(folder, "profiles/draft"), { recursive: true });
  writeFileSync(join(folder, `profiles/${profile}.yaml`), draft);
  const device = { id: "d", profile, bus: { protocol: "snmp", host: "127.0.0.1" } };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, devices: [device] }));
  const validated = mepwatch(["validate", join(folder, "site.yaml")]);
  expect([await validated.ended, validated.stderr]).toEqual([0, []]);
  expect(validated.stdout[0]).toMatch(/1 devices on 1 buses, 8 points/);
});

test("without --row the columns of a table are told in comments", async () => {
  const folder = folderWithMibs();
  const files = ["ACME-UPS-MIB", "ACME-ROOT-MIB"].map((name) => join(folder, name));
  const { draft } = await importMib(...files, "--root", `.${root}.1.7.3`);
  expect(parse(draft).points).toEqual({});
  expect(draft).toContain("--row acmeOutletTable=acmeOutletBank.acmeOutletNumber makes points of one of its rows");
  expect(draft).toContain(`#   acmeOutletCurrent: ${root}.1.7.3.1.3.acmeOutletBank.acmeOutletNumber (Gauge32)`);
});

test.each([
  [["ACME-UPS-MIB", "--root", root], 78, /ACME-UPS-MIB:\d+:1: .* comes from ACME-ROOT-MIB.*give its file too/],
  [["NOT-THERE-MIB", "--root", root], 78, /NOT-THERE-MIB: cannot be read \(ENOENT\); expected a MIB file/],
  [["ACME-ROOT-MIB", "--root", "1.3.6.1.4.1.88888"], 78, /nothing under 1\.3\.6\.1\.4\.1\.88888 can be read/],
  [["ACME-ROOT-MIB", "--root", "acme"], 2, /--root acme: expected a numeric OID/],
  [["ACME-ROOT-MIB", "--root", root, "--row", "acmeOutletTable"], 2, /expected TABLE=INDEX/],
  [["ACME-ROOT-MIB", "--root", root, "--row", "noTable=1"], 78, /noTable: no such table; there is no table/],
])("%j: exit %i, and why", async ([file, ...options], code, said) => {
  const tried = await importMib(join(folderWithMibs(), file!), ...options);
  expect(tried).toMatchObject({ code, draft: "", said: expect.stringMatching(said) });
});
