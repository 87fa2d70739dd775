import { runCommand } from '../process/child.ts';

let isPenalising: Promise<boolean> | undefined;

/**
 * Lines that come last in a configuration: no sshd punishes an address for the logins that tests make to fail, unless a test
 * has said before that it shall.
 *
 * OpenSSH 9.8 and later do by default (PerSourcePenalties); older ones do not know the keyword, and refuse it.
 */
export async function withoutPenalties(sshd: string): Promise<readonly string[]> {
  // `-G` prints the configuration and asks for no host keys; one without it (before 9.3) has no penalties either.
  isPenalising ??= runCommand([sshd, '-G', '-f', '/dev/null', '-o', 'PerSourcePenalties=no']).then(
    ({ code }) => code === 0,
  );
  return (await isPenalising) ? ['PerSourcePenalties no'] : [];
}
