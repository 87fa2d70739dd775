import { messageOf } from '../../core/errors.ts';
import { isNullDevice } from '../../core/files/regular-file.ts';
import type { Logger } from '../../core/log.ts';
import type { Prompter } from '../prompter.ts';
import type { SshTarget } from '../ssh-target.ts';
import { keyTypeOfAlgorithm } from './host-key-decision.ts';
import { describeKey } from './host-key-errors.ts';
import { decideHostKeyUpdate, type HostKeyAnnouncement, type HostKeyUpdate } from './host-key-update.ts';
import { readKnownHosts, replaceKnownHosts } from './known-hosts-files.ts';

/** Who is told and asked about new keys. */
interface UpdateContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
}

/**
 * Brings the user's known_hosts up to date with what a bastion says of its keys (UpdateHostKeys).
 *
 * Only for a bastion whose key is trusted by a line of the user's own, or by the user in person; that is for the caller to know.
 * A failure is a warning: the connection is as good without it.
 */
export async function updateHostKeys(
  target: SshTarget,
  announcement: HostKeyAnnouncement,
  context: UpdateContext,
): Promise<void> {
  const { logger } = context;
  try {
    // One who names the null device wants nothing to be kept.
    const userFiles = target.hostKeys.userFiles.filter((file) => !isNullDevice(file));
    const hostKeys = { ...target.hostKeys, userFiles };
    if (userFiles.length === 0) return;
    const entries = readKnownHosts({ userFiles, globalFiles: [] });
    const update = decideHostKeyUpdate(announcement, {
      lookupName: hostKeys.lookupName,
      entries,
      acceptedTypes: target.algorithms.hostKey.map(keyTypeOfAlgorithm),
    });
    switch (update.kind) {
      case 'nothing':
        return;
      case 'skipped':
        logger.debug(`the host keys of ${hostKeys.lookupName} are not updated: ${update.reason}`);
        return;
      case 'update':
        if (hostKeys.updateKeys === 'ask' && !(await mayUpdate(target, update, context))) return;
        replaceKnownHosts(hostKeys, update.added, update.removed);
        for (const line of describeUpdate(update)) logger.info(`${hostKeys.lookupName}: ${line}`);
    }
  } catch (error) {
    logger.warn(`cannot update the host keys of ${target.hostKeys.lookupName}: ${messageOf(error)}`);
  }
}

function describeUpdate(update: Extract<HostKeyUpdate, { kind: 'update' }>): string[] {
  return [
    ...update.added.map((key) => `learned the new host key, ${describeKey(key)}`),
    ...update.removed.map(({ key }) => `removed the host key that it has no more, ${describeKey(key)}`),
  ];
}

async function mayUpdate(
  target: SshTarget,
  update: Extract<HostKeyUpdate, { kind: 'update' }>,
  { prompter }: UpdateContext,
): Promise<boolean> {
  if (!prompter.available || target.authentication.batchMode) return false;
  prompter.show(
    [
      'The bastion has updated its host keys, and proved it with the key that is trusted:',
      ...describeUpdate(update),
    ].join('\n'),
  );
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = (await prompter.ask('Accept updated host keys? (yes/no): ', { echo: true }))?.trim();
    if (answer?.toLowerCase() === 'yes') return true;
    if (answer === undefined || answer.toLowerCase() === 'no') return false;
  }
  return false;
}
