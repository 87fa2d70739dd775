import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TshuttleError } from '../../../core/errors.ts';
import type { GateAnswer, GateSession } from '../../../ssh/openssh/gate-session.ts';
import { SFTP_FILE } from '../../../ssh/openssh/master-sessions.ts';

/** Below the folder in which a login begins, as sshd looks for it by default (sshd_config(5), AuthorizedKeysFile). */
const FILE = '.ssh/authorized_keys';
const LOCK = `${FILE}.tshuttle-lock`;

/** Whoever holds the lock has four steps, and each is ended after 15 s. */
const STALE_MS = 75_000;
const LOCK_EVERY_MS = 200;

/** For one that was left behind, and others who waited for it, too. */
const LOCK_MS = 120_000;

/** Reads the keys. @throws TshuttleError ERR_CHANNEL_REFUSED when there is no SFTP, or no such file */
export async function readBySftp(gate: GateSession): Promise<string> {
  return (await must(gate, [`get ${FILE} ${SFTP_FILE}`], '')).output;
}

/**
 * Puts another text in the place of the keys, as a whole: it is written beside them and renamed. A lock keeps others out, a file
 * beside it that a hard link makes, so that only one can; one that was left behind is taken away when nobody can hold it any more.
 *
 * @throws TshuttleError ERR_CHANNEL_REFUSED when the gate refuses a step, ERR_BASTION_LOST when the connection is gone; the file is as
 *   it was then, or as it was to become
 */
export async function changeBySftp(
  gate: GateSession,
  change: (text: string) => string,
  signal: AbortSignal,
): Promise<void> {
  const own = `${FILE}.tshuttle-${randomBytes(8).toString('hex')}`;
  await takeLock(gate, own, signal);
  try {
    const before = await readBySftp(gate);
    const after = change(before);
    if (after === before) return;
    await must(gate, [`put ${SFTP_FILE} ${own}`, `chmod 600 ${own}`, `rename ${own} ${FILE}`], after);
    if ((await readBySftp(gate)) !== after)
      throw refused(gate, `${FILE} is not what was written: something else writes it, too`);
  } finally {
    await gate.sftp([`-rm ${own}`, `-rm ${LOCK}`], '');
  }
}

async function takeLock(gate: GateSession, own: string, signal: AbortSignal): Promise<void> {
  let holder: string | undefined;
  let since = performance.now();
  const deadlineMs = since + LOCK_MS;
  while (performance.now() < deadlineMs) {
    // Of the same name for all: a link is made only where there is none.
    const mine = await gate.sftp([`put ${SFTP_FILE} ${own}`, `ln ${own} ${LOCK}`, `rm ${own}`], own);
    if (mine.exitCode === 0) return;
    const theirs = await gate.sftp([`-rm ${own}`, `get ${LOCK} ${SFTP_FILE}`], '');
    // It is free again, or what kept us was something else.
    if (theirs.exitCode !== 0 && holder === undefined) {
      await must(gate, [`put ${SFTP_FILE} ${own}`, `rm ${own}`], own);
      holder = '';
    } else if (theirs.output !== holder) {
      holder = theirs.output;
      since = performance.now();
    } else if (performance.now() - since > STALE_MS) {
      await gate.sftp([`rename ${LOCK} ${own}`, `rm ${own}`], '');
      since = performance.now();
    }
    await delay(LOCK_EVERY_MS, undefined, { signal });
  }
  await gate.sftp([`-rm ${own}`], '');
  throw refused(gate, 'somebody else is changing them, or its SFTP server makes no hard links');
}

async function must(gate: GateSession, commands: readonly string[], input: string): Promise<GateAnswer> {
  const answer = await gate.sftp(commands, input);
  if (answer.exitCode === 0) return answer;
  if (/connection (?:closed|reset)|control socket|broken pipe/i.test(answer.said))
    throw new TshuttleError(
      'ERR_BASTION_LOST',
      `lost the gate ${gate.description} while its keys were changed: ${answer.said}`,
      {
        remedy: 'nothing is half done; see which keys it has with tshuttle gate keys list, and try again',
      },
    );
  throw refused(gate, answer.said === '' ? 'SFTP was ended' : answer.said);
}

function refused(gate: GateSession, why: string): TshuttleError {
  return new TshuttleError(
    'ERR_CHANNEL_REFUSED',
    `cannot change the keys of the gate ${gate.description}: ${why}`,
    {
      remedy:
        'it needs SFTP for the account of the management key, with .ssh/authorized_keys there, or what tshuttle bastion init --for gate prints',
    },
  );
}
