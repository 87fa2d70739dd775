import { join } from 'node:path';
import { homeFolder } from '../../../core/accounts.ts';
import { readRegularFile } from '../../../core/files/regular-file.ts';

/** The most that is read of a file: completion must not make anybody wait. */
const MAX_FILE_BYTES = 1_000_000;

/** Hosts of ~/.ssh/config and known_hosts that can be written as they are: no patterns, no hashes. */
export function sshHosts(homeDirectory = homeFolder()): readonly string[] {
  const configured = lines(join(homeDirectory, '.ssh', 'config')).flatMap((line) => {
    const [key = '', ...hosts] = line.trim().split(/[\s=]+/);
    return key.toLowerCase() === 'host' ? hosts : [];
  });
  const known = lines(join(homeDirectory, '.ssh', 'known_hosts')).flatMap((line) =>
    line.startsWith('@') || line.startsWith('#') ? [] : (line.split(' ', 1)[0] ?? '').split(','),
  );
  const names = [...configured, ...known.map(withPort)];
  return [...new Set(names)].filter((name) => /^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(name)).sort();
}

/** `[host]:2222`, as known_hosts has it, is `host:2222` here. */
function withPort(name: string): string {
  return name.replace(/^\[([^\]:]+)\]/, '$1');
}

function lines(path: string): readonly string[] {
  try {
    return readRegularFile(path, MAX_FILE_BYTES).toString('utf8').split('\n');
  } catch {
    // Most people have one of the two; none is no reason to complain in the middle of a command line.
    return [];
  }
}
