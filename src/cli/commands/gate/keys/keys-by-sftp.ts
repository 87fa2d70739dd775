import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TshuttleError } from '../../../../core/errors.ts';
import type { GateAnswer, GateSession } from '../../../../ssh/openssh/gate-session.ts';
import { SFTP_FILE } from '../../../../ssh/openssh/master-sessions.ts';
import { gateFailure } from './gate-failure.ts';

/** Below the folder in which a login begins, as sshd looks for it by default (sshd_config(5), AuthorizedKeysFile). */
const FILE = '.ssh/authorized_keys';
const LOCK = `${FILE}.tshuttle-lock`;

/**
 * How long a lock is left to who holds it, from when it was first seen: that is four steps, each of which is ended after 15 s. It
 * was left behind then, by a client that was killed.
 */
const STALE_MS = 75_000;
const LOCK_EVERY_MS = 200;

/** For one that was left behind, and others who waited for it, too. */
const LOCK_MS = 120_000;

/** How often in a row a lock may be found that is free and could not be taken, since others were faster. */
const MAX_MISSES = 10;

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
      throw await sftpFailure(gate, `${FILE} is not what was written: something else writes it, too`);
  } finally {
    await gate.sftp([`-rm ${own}`, `-rm ${LOCK}`], '');
  }
}

async function takeLock(gate: GateSession, own: string, signal: AbortSignal): Promise<void> {
  let holder: string | undefined;
  let since = performance.now();
  let misses = 0;
  const deadlineMs = since + LOCK_MS;
  while (performance.now() < deadlineMs && misses < MAX_MISSES) {
    // Of the same name for all: a link is made only where there is none.
    const mine = await gate.sftp([`put ${SFTP_FILE} ${own}`, `ln ${own} ${LOCK}`, `rm ${own}`], own);
    if (mine.exitCode === 0) return;
    const theirs = await gate.sftp([`-rm ${own}`, `get ${LOCK} ${SFTP_FILE}`], '');
    if (theirs.exitCode !== 0) {
      // It is free again, or what kept us was something else.
      if (misses === 0) await must(gate, [`put ${SFTP_FILE} ${own}`, `rm ${own}`], own);
      misses += 1;
      holder = undefined;
    } else if (theirs.output !== holder) {
      misses = 0;
      holder = theirs.output;
      since = performance.now();
    } else if (performance.now() - since > STALE_MS) {
      await breakLock(gate, own, holder);
      holder = undefined;
    }
    await delay(LOCK_EVERY_MS, undefined, { signal });
  }
  await gate.sftp([`-rm ${own}`], '');
  const why = misses < MAX_MISSES ? 'somebody else is changing them' : 'its SFTP server makes no hard links';
  throw await sftpFailure(gate, why);
}

/** Takes a lock away that was left behind. Where another has done so before us, and has the lock, it is put back. */
async function breakLock(gate: GateSession, own: string, holder: string): Promise<void> {
  const taken = await gate.sftp([`rename ${LOCK} ${own}`, `get ${own} ${SFTP_FILE}`], '');
  const isOthers = taken.exitCode === 0 && taken.output !== holder;
  await gate.sftp([...(isOthers ? [`-ln ${own} ${LOCK}`] : []), `-rm ${own}`], '');
}

async function must(gate: GateSession, commands: readonly string[], input: string): Promise<GateAnswer> {
  const answer = await gate.sftp(commands, input);
  if (answer.exitCode === 0) return answer;
  throw await sftpFailure(gate, answer.said);
}

function sftpFailure(gate: GateSession, why: string): Promise<TshuttleError> {
  const remedy =
    'it needs SFTP for the account of the management key, with .ssh/authorized_keys there, or what tshuttle bastion init --for gate prints';
  return gateFailure(gate, why, remedy);
}
