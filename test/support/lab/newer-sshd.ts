import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ofDebian13 } from './debian-13.ts';
import type { SshdProgram } from './sshd.ts';

/** Since 9.9, mlkem768x25519-sha256 is among what sshd has. */
function hasMlKem(): boolean {
  const { stdout } = spawnSync('ssh', ['-Q', 'kex'], { encoding: 'utf8' });
  return stdout.includes('mlkem768x25519-sha256');
}

const sshdOfDebian13 = ofDebian13('/usr/sbin/sshd');

/** Whether there is no OpenSSH with ML-KEM here: neither this machine's own nor in a root of Debian 13 (bash .ci/fresh-debian). */
export const skipNewerSshd: boolean = decideToSkip();

function decideToSkip(): boolean {
  if (sshdOfDebian13 !== undefined || hasMlKem()) return false;
  console.warn(
    'tests against OpenSSH 9.9 and later are skipped: there is none (bash .ci/fresh-debian makes one)',
  );
  return true;
}

/**
 * That sshd; the one in the root runs on this machine, by its own loader and libraries.
 *
 * @param folder where what starts its parts lies, as long as it runs
 */
export async function newerSshd(folder: string): Promise<SshdProgram> {
  if (hasMlKem() || sshdOfDebian13 === undefined) return { command: ['/usr/sbin/sshd'], lines: [] };
  const lines: string[] = [];
  for (const [keyword, name] of [
    ['SshdSessionPath', 'sshd-session'],
    ['SshdAuthPath', 'sshd-auth'],
  ] as const) {
    const command = ofDebian13(`/usr/lib/openssh/${name}`) ?? [name];
    await writeFile(join(folder, name), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
    lines.push(`${keyword} ${join(folder, name)}`);
  }
  return { command: [...sshdOfDebian13], lines };
}
