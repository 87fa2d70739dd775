import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { readRegularFile, replaceFile } from '../../core/files/regular-file.ts';
import type { Logger } from '../../core/log.ts';
import { type NegotiatedAlgorithms, weaknessesOf } from '../../ssh/agreement.ts';
import { nameTarget, type SshTarget } from '../../ssh/ssh-target.ts';

const FILE = 'weak-crypto';

/** The latest bastions that were warned of; others are warned of again. */
const MAX_LINES = 200;
const MAX_BYTES = 64 * 1024;

/**
 * Warns of what is weak about an agreement, as ssh does since 10.1: once for each bastion and weakness, and again when it has changed.
 * Without `WarnWeakCrypto no`. Never throws: what cannot be remembered is said again.
 *
 * @param stateFolder where it is remembered what was said
 */
export function warnOfWeakAgreement(
  target: Pick<SshTarget, 'role' | 'host' | 'port' | 'user' | 'algorithms' | 'warnsOfWeakCrypto'>,
  agreed: NegotiatedAlgorithms,
  stateFolder: string,
  logger: Logger,
): void {
  if (!target.warnsOfWeakCrypto) return;
  const weaknesses = weaknessesOf(agreed, target.algorithms.keyExchange);
  if (weaknesses.length === 0) return;
  const said = { host: `${target.host}:${target.port}`, as: weaknesses.map(({ what }) => what).join('; ') };
  const path = join(stateFolder, FILE);
  const before = readSaid(path);
  const line = JSON.stringify([said.host, said.as]);
  if (before.includes(line)) {
    for (const { what } of weaknesses) logger.debug(`${nameTarget(target)}: ${what}`);
    return;
  }
  for (const { what, remedy } of weaknesses) logger.warn(`${nameTarget(target)}: ${what}. ${remedy}`);
  const others = before.filter((one) => !one.startsWith(`${JSON.stringify([said.host]).slice(0, -1)},`));
  try {
    makeFolder(stateFolder);
    replaceFile(path, `${[line, ...others].slice(0, MAX_LINES).join('\n')}\n`, { mode: 0o600 });
  } catch (error) {
    logger.debug(`cannot remember in ${path} what was warned of: ${messageOf(error)}`);
  }
}

/** Nothing where there is no file, or none that could be ours. */
function readSaid(path: string): readonly string[] {
  try {
    return readRegularFile(path, MAX_BYTES)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
