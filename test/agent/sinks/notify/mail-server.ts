import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createSecureServer, TLSSocket } from "node:tls";

/** As much of an SMTP server as a client needs: one mail a connection, with or without TLS and AUTH. */
export interface MailServer {
  readonly port: number;
  /** The mails, from DATA to the dot. */
  readonly mails: string[];
  /** All that clients said. */
  readonly lines: string[];
  close(): void;
}

interface Options {
  /** Answers in the place of what a good server says, by what the client's line begins with; null: none. */
  readonly answers?: Readonly<Record<string, string | null>>;
  /** Speaks TLS: from the beginning, or, where it offers STARTTLS, from then on. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What EHLO offers. */
  readonly offers?: readonly string[];
}

export async function startMailServer({ answers = {}, tls, offers = [] }: Options = {}): Promise<MailServer> {
  const mails: string[] = [];
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const isLater = offers.includes("STARTTLS");
  const talk = (socket: Socket, isSecure = !isLater): void => {
    let text = "";
    let isData = false;
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      text += data.toString();
      for (;;) {
        const end = isData ? text.indexOf("\r\n.\r\n") : text.indexOf("\r\n");
        if (end < 0) return;
        const got = text.slice(0, end);
        text = text.slice(end + (isData ? 5 : 2));
        if (isData) mails.push(got);
        else lines.push(got);
        const [, other] =
          Object.entries(answers).find(([begin]) => (isData ? begin === "." : got.startsWith(begin))) ?? [];
        if (got === "STARTTLS" && tls !== undefined) {
          say("220 go on");
          socket.removeAllListeners("data");
          return talk(new TLSSocket(socket, { isServer: true, ...tls }), true);
        }
        if (other !== undefined) {
          if (other !== null) say(other);
        } else if (isData) say("250 queued");
        else if (got.startsWith("EHLO"))
          for (const [i, one] of ["here", ...offers].entries()) say(`250${i < offers.length ? "-" : " "}${one}`);
        else if (got === "DATA") say("354 go on");
        else if (got.startsWith("AUTH")) say("235 welcome");
        else say(got === "QUIT" ? "221 bye" : "250 well");
        isData = !isData && got === "DATA" && other === undefined;
      }
    });
    if (!(isLater && isSecure)) say("220 here ESMTP");
  };
  const server =
    tls === undefined || isLater ? createServer((one) => talk(one)) : createSecureServer(tls, (one) => talk(one));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    lines,
    close() {
      for (const one of sockets) one.destroy();
      server.close();
    },
  };
}

/** A key and a certificate for 127.0.0.1 that is its own authority, in the folder. */
export function selfSigned(folder: string): { readonly key: string; readonly cert: string; readonly file: string } {
  const [key, file] = ["key.pem", "cert.pem"].map((name) => join(folder, name)) as [string, string];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"];
  execFileSync("openssl", [...made, "-keyout", key, "-out", file, ...subject], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(file, "utf8"), file };
}
