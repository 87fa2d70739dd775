import { spawnSync } from 'node:child_process';
import { systemCodeOf, TshuttleError } from '../../../core/errors.ts';

const TIMEOUT_MS = 10_000;
/** A crontab that is larger is left alone: half of it must not be written back. */
const MAX_CRONTAB_BYTES = 1_048_576;

/** What `crontab -l` says where there is none: Vixie's and cronie's, and that of BusyBox. */
const NO_CRONTAB = /\bno crontab\b|can't open '[^']*': No such file/i;

/** The user's crontab, through crontab(1); its text has a character a byte, so that all of it goes back as it was. */
export interface Crontab {
  /** @returns '' where there is none */
  read(): string;
  /** Replaces it; with '' it is removed. It is read again to see that it was. */
  write(text: string): void;
}

/**
 * The crontab of the user of this process.
 *
 * @returns undefined where there is no crontab(1); what it has throws TshuttleError ERR_CONFIG with what crontab said
 */
export function openCrontab(environment: NodeJS.ProcessEnv): Crontab | undefined {
  const run = (words: readonly string[], input = '') =>
    spawnSync('crontab', words, {
      input: Buffer.from(input, 'latin1'),
      encoding: 'latin1',
      env: { ...environment, LC_ALL: 'C' },
      maxBuffer: MAX_CRONTAB_BYTES,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
  const must = (words: readonly string[], input?: string): string => {
    const { status, stdout, stderr, error } = run(words, input);
    if (status === 0 && error === undefined) return stdout;
    if (words[0] === '-l' && NO_CRONTAB.test(stderr)) return '';
    throw crontabError(words, error?.message ?? reasonOf(stderr, status));
  };
  // What there is of it matters only when it is read.
  if (systemCodeOf(run(['-l']).error) === 'ENOENT') return undefined;
  const read = (): string => must(['-l']);
  return {
    read,
    write: (text) => {
      const words = text === '' ? ['-r'] : ['-'];
      must(words, text);
      // BusyBox ends with 0 where it could not write. An old Vixie shows the comment that it has put before the text.
      const now = read();
      if (text === '' ? now !== '' : !now.endsWith(text))
        throw crontabError(words, 'what it shows is not what it was given');
    },
  };
}

function crontabError(words: readonly string[], reason: string): TshuttleError {
  return new TshuttleError('ERR_CONFIG', `crontab ${words.join(' ')} failed: ${reason}`, {
    remedy: /not allowed/.test(reason)
      ? 'root says who may use it, in /etc/cron.allow and /etc/cron.deny; without it, tshuttle up NAME in ~/.profile starts a tunnel at login'
      : 'see what it has: crontab -l',
  });
}

/** crontab(1) says more than one line of one mistake. */
function reasonOf(stderr: string, status: number | null): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(0, 3).join('; ') || `status ${status}`;
}
