import { spawnSync } from 'node:child_process';
import { ofDebian13 } from '../lab/debian-13.ts';

const command: readonly string[] | undefined = ['/usr/bin/curl', ofDebian13('/usr/bin/curl')]
  .map((one) => (typeof one === 'string' ? [one] : one))
  .find((one) => {
    if (one === undefined) return false;
    const [program = '', ...words] = one;
    return spawnSync(program, [...words, '-V'], { encoding: 'utf8' }).stdout?.includes('HTTP3') ?? false;
  });

/** Whether no curl here speaks QUIC: neither this machine's own nor that of a Debian 13 (bash .ci/fresh-debian makes one). */
export const skipQuic: boolean = decideToSkip();

function decideToSkip(): boolean {
  if (command !== undefined) return false;
  console.warn(
    'tests with a QUIC client are skipped: no curl here has HTTP/3 (bash .ci/fresh-debian makes one)',
  );
  return true;
}

/**
 * The command by which a real QUIC client asks for a page: by HTTP/3 first, and by TCP when QUIC fails or has said nothing for so long.
 * It prints which HTTP it was in the end, and after how many seconds the connection was there.
 */
export function quicRequest(url: string, quicTimeoutMs: number): readonly string[] {
  const patience = ['--happy-eyeballs-timeout-ms', String(quicTimeoutMs), '-m', '20'];
  const output = ['-o', '/dev/null', '-w', '%{http_version} %{time_connect}'];
  return [...(command ?? ['curl']), '-sSk', '--http3', ...patience, ...output, url];
}
