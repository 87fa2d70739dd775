import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshdProgram } from './sshd.ts';

const ROOTS = '/var/cache/tshuttle-tests';
const LIBRARIES = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as Readonly<Record<string, string>>;
const LOADERS = { x64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as Readonly<
  Record<string, string>
>;

/** Since 9.9, mlkem768x25519-sha256 is among what sshd has. */
function hasMlKem(): boolean {
  const { stdout } = spawnSync('ssh', ['-Q', 'kex'], { encoding: 'utf8' });
  return stdout.includes('mlkem768x25519-sha256');
}

/** A Debian 13 with sshd that another test has made (.ci/debian-root). */
const root = existsSync(ROOTS)
  ? readdirSync(ROOTS)
      .filter((name) => name.startsWith('trixie-') && !name.endsWith('.new'))
      .map((name) => join(ROOTS, name))
      .find((path) => existsSync(join(path, 'usr/lib/openssh/sshd-auth')))
  : undefined;

/** Whether there is no OpenSSH with ML-KEM here: neither this machine's own nor in a root of Debian 13 (bash .ci/fresh-debian). */
export const skipNewerSshd: boolean = decideToSkip();

function decideToSkip(): boolean {
  if (root !== undefined || hasMlKem()) return false;
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
  if (hasMlKem() || root === undefined) return { command: ['/usr/sbin/sshd'], lines: [] };
  const within = join(root, 'usr/lib', LIBRARIES[process.arch] ?? '');
  const run = [join(within, LOADERS[process.arch] ?? ''), '--library-path', within];
  const lines: string[] = [];
  for (const [keyword, name] of [
    ['SshdSessionPath', 'sshd-session'],
    ['SshdAuthPath', 'sshd-auth'],
  ] as const) {
    const script = `#!/bin/sh\nexec ${run.join(' ')} ${join(root, 'usr/lib/openssh', name)} "$@"\n`;
    await writeFile(join(folder, name), script, { mode: 0o755 });
    lines.push(`${keyword} ${join(folder, name)}`);
  }
  return { command: [...run, join(root, 'usr/sbin/sshd')], lines };
}
