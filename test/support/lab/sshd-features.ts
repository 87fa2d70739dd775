import { runCommand } from '../process/child.ts';

const isPenalising = new Map<string, Promise<boolean>>();

/**
 * Lines that come last in a configuration: no sshd punishes an address for the logins that tests make to fail, unless a test
 * has said before that it shall.
 *
 * OpenSSH 9.8 and later do by default (PerSourcePenalties); older ones do not know the keyword, and refuse it.
 */
export async function withoutPenalties(sshd: readonly string[]): Promise<readonly string[]> {
  const name = sshd.join(' ');
  // `-G` prints the configuration and asks for no host keys; one without it (before 9.3) has no penalties either.
  const asked =
    isPenalising.get(name) ??
    runCommand([...sshd, '-G', '-f', '/dev/null', '-o', 'PerSourcePenalties=no']).then(
      ({ code }) => code === 0,
    );
  isPenalising.set(name, asked);
  return (await asked) ? ['PerSourcePenalties no'] : [];
}
