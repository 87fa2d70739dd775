import { sendDatagram } from '../../net/native/transfer/datagram.ts';

/** Shorter than this nobody wants to be asked. */
const MIN_WATCHDOG_MS = 100;

/** The parts of the system that it uses; tests replace them. */
export interface NotifierSurroundings {
  readonly pid: number;
  readonly send: (path: string, text: string) => void;
}

/**
 * Tells systemd of the state of this process, as a unit with `Type=notify` is to do (sd_notify(3)), and at half of each of its
 * intervals that it still runs (`WatchdogSec=`). Systemd may be gone or busy: then nothing is told, and nothing fails.
 */
export class ServiceNotifier {
  readonly #path: string;
  readonly #send: NotifierSurroundings['send'];
  readonly #watchdog: NodeJS.Timeout | undefined;

  private constructor(path: string, watchdogMs: number | undefined, send: NotifierSurroundings['send']) {
    this.#path = path;
    this.#send = send;
    if (watchdogMs !== undefined && watchdogMs >= MIN_WATCHDOG_MS)
      this.#watchdog = setInterval(() => this.#notify('WATCHDOG=1'), watchdogMs / 2).unref();
  }

  /**
   * For a process that systemd has started; undefined for any other. Takes the variables out of the environment: they are not
   * for child processes.
   */
  static fromEnvironment(
    environment: Record<string, string | undefined>,
    { pid, send }: NotifierSurroundings = { pid: process.pid, send: sendDatagram },
  ): ServiceNotifier | undefined {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: intervalUs, WATCHDOG_PID: watched } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    if (path === undefined || !/^[/@]/.test(path)) return undefined;
    const isWatched = watched === undefined || watched === String(pid);
    const watchdogMs = isWatched && /^\d+$/.test(intervalUs ?? '') ? Number(intervalUs) / 1_000 : undefined;
    return new ServiceNotifier(path, watchdogMs, send);
  }

  /** The service does what it is for. @param status one line for `systemctl status` */
  ready(status: string): void {
    this.#notify(`READY=1\nSTATUS=${status.replaceAll('\n', ' ')}`);
  }

  /** The service ends. Idempotent. */
  stopping(): void {
    this.#notify('STOPPING=1');
  }

  /** Says nothing any more. Idempotent. */
  close(): void {
    clearInterval(this.#watchdog);
  }

  #notify(text: string): void {
    try {
      this.#send(this.#path, text);
    } catch {
      // Nobody listens; a watchdog that misses it ends us anyhow.
    }
  }
}
