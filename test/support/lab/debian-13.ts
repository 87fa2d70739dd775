import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOTS = '/var/cache/tshuttle-tests';
const LIBRARIES = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as Readonly<Record<string, string>>;
const LOADERS = { x64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as Readonly<
  Record<string, string>
>;

/** A root of Debian 13 that another test has made (.ci/debian-root): the one that has what sshd of 9.9 and later is of. */
const root = existsSync(ROOTS)
  ? readdirSync(ROOTS)
      .filter((name) => name.startsWith('trixie-') && !name.endsWith('.new'))
      .map((name) => join(ROOTS, name))
      .find((path) => existsSync(join(path, 'usr/lib/openssh/sshd-auth')))
  : undefined;

/**
 * The command that runs a program of Debian 13 on this machine, by its own loader and libraries.
 *
 * @param path in a root of Debian 13: `/usr/bin/curl`
 * @returns undefined where there is no such root, or the program is not in it: `bash .ci/fresh-debian --prepare` makes one
 */
export function ofDebian13(path: string): readonly [string, ...string[]] | undefined {
  if (root === undefined || !existsSync(join(root, path))) return undefined;
  const within = join(root, 'usr/lib', LIBRARIES[process.arch] ?? '');
  return [join(within, LOADERS[process.arch] ?? ''), '--library-path', within, join(root, path)];
}
