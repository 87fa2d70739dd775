import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../test/support/process/child.ts';
import type { BenchResult, PeerDescription } from '../report/result.ts';

/** The machine under the figures. */
export function describeMachine(): BenchResult['machine'] {
  const all = cpus();
  const limits = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return {
    kernel: release(),
    cpu: all[0]?.model ?? 'unknown',
    cpus: all.length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    maxFiles: Number(limits?.[1] ?? 0),
  };
}

/** The versions of everything but tshuttle. */
export async function describeVersions(repository: string): Promise<Record<string, string>> {
  const ssh2 = JSON.parse(readFileSync(join(repository, 'node_modules/ssh2/package.json'), 'utf8')) as {
    version: string;
  };
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    ssh2: ssh2.version,
    openssh: await firstLine(['ssh', '-V']),
    sshuttle: await firstLine(['sshuttle', '--version']),
    redsocks: await firstLine(['redsocks', '-v']),
    nft: await firstLine(['nft', '--version']),
    gcc: await firstLine(['gcc', '--version']),
  };
}

async function firstLine(argv: readonly string[]): Promise<string> {
  const result = await runCommand(argv).catch(() => undefined);
  return (`${result?.stdout ?? ''}${result?.stderr ?? ''}`.split('\n', 1)[0] ?? '') || 'not installed';
}

/** The commit of a checkout, and whether something in it is not committed. `unknown` outside git. */
export function describeCommit(repository: string): {
  commit: string;
  hasUncommittedChanges: boolean;
} {
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', repository, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      'src',
      'bench',
      'package.json',
    );
    return { commit: git('rev-parse', 'HEAD'), hasUncommittedChanges: changed !== '' };
  } catch {
    return { commit: 'unknown', hasUncommittedChanges: false };
  }
}

/** A checkout of tshuttle as a peer. */
export function describeTshuttle(name: string, checkout: string): PeerDescription {
  const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
  const { commit } = describeCommit(checkout);
  return {
    name,
    version: `${manifest.version} (${commit.slice(0, 9)})`,
    nativeCrypto: existsSync(
      join(checkout, 'node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node'),
    ),
  };
}
