import { statSync } from 'node:fs';
import { printableLine } from '../../core/printable.ts';
import { sendDatagram } from '../../net/native/transfer/datagram.ts';
import type { LineSink } from './log-output.ts';

/** Where syslog(3) of glibc and musl writes to, and journald and every syslogd of Linux reads. */
const SOCKET = '/dev/log';

/** RFC 3164, table 1: system daemons. */
const FACILITY = 3;

/** RFC 3164, table 2, by our levels. */
const SEVERITIES: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** What rsyslog takes as one message by default is 8 KiB. */
const MAX_TEXT_LENGTH = 7_000;

/** A finished log line, as the loggers make it. */
interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly pid: number;
  readonly tunnel?: string;
}

/** Why lines cannot be sent to the system's log, with the remedy; undefined where they can be. */
export function whyNoSyslog(platform: NodeJS.Platform = process.platform): string | undefined {
  if (platform !== 'linux') return 'it is for Linux; elsewhere pipe the log into logger(1)';
  const isSocket = statSync(SOCKET, { throwIfNoEntry: false })?.isSocket() === true;
  return isSocket ? undefined : `there is no ${SOCKET}: start rsyslog, or systemd-journald-dev-log.socket`;
}

/** The surroundings of {@link SyslogSink}; tests replace them. */
export interface SyslogSurroundings {
  readonly send: (path: string, text: string) => void;
  readonly now: () => Date;
}

/**
 * Sends lines to the system's log, as syslog(3) does, and to another sink. Never waits: a line that the system does not take at
 * once is lost to it, which the next one that it takes says.
 */
export class SyslogSink implements LineSink {
  readonly #other: LineSink;
  readonly #surroundings: SyslogSurroundings;
  #lost = 0;

  constructor(
    other: LineSink,
    surroundings: SyslogSurroundings = { send: sendDatagram, now: () => new Date() },
  ) {
    this.#other = other;
    this.#surroundings = surroundings;
  }

  write(line: string): void {
    this.#other.write(line);
    try {
      const parsed = JSON.parse(line) as LogLine;
      if (this.#lost > 0) {
        const msg = `${this.#lost} lines before this one did not reach the system's log`;
        this.#send({ level: 'warn', pid: parsed.pid, msg });
        this.#lost = 0;
      }
      this.#send(parsed);
    } catch {
      this.#lost += 1;
    }
  }

  #send({ level, msg, pid, tunnel, ...others }: LogLine): void {
    const { time: _, ...fields } = others as Readonly<Record<string, unknown>>;
    const priority = FACILITY * 8 + (SEVERITIES[level] ?? SEVERITIES['info']!);
    const what = Object.keys(fields).length === 0 ? msg : `${msg} ${JSON.stringify(fields)}`;
    const text = printableLine(tunnel === undefined ? what : `${tunnel}: ${what}`);
    const { send, now } = this.#surroundings;
    send(SOCKET, `<${priority}>${timestamp(now())} tshuttle[${pid}]: ${text.slice(0, MAX_TEXT_LENGTH)}`);
  }
}

/** RFC 3164, section 4.1.2: `Nov  3 07:05:09`, of this machine's time. */
function timestamp(date: Date): string {
  const day = String(date.getDate()).padStart(2);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${MONTHS[date.getMonth()]} ${day} ${time.map((part) => String(part).padStart(2, '0')).join(':')}`;
}
