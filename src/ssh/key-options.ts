import { printableLine } from '../core/printable.ts';

/** What the options of a key that let us in allow, as sshd tells it: those of its line in authorized_keys, or of a certificate. */
export interface KeyOptions {
  /** In sshd's words: `/home/me/.ssh/authorized_keys:3`. */
  readonly place: string;
  readonly forcesCommand: boolean;
  readonly permitsForwarding: boolean;
  /** `permitopen`: forwarding to the destinations that it names only. */
  readonly hasPermitOpen: boolean;
}

const MAX_PLACE_CHARACTERS = 200;

/**
 * Reads what sshd sends in SSH_MSG_DEBUG when a key has let us in (auth.c, auth_log_authopts): `PLACE: key options: pty ...`.
 *
 * @returns undefined for any other text
 */
export function parseKeyOptions(text: string): KeyOptions | undefined {
  const [, place = '', words = ''] = /^(.*): key options:((?: \S+)*)\s*$/s.exec(text) ?? [];
  if (place === '') return undefined;
  const options = words.split(' ');
  return {
    place: printableLine(place).slice(0, MAX_PLACE_CHARACTERS),
    forcesCommand: options.includes('command'),
    permitsForwarding: options.includes('port-forwarding'),
    hasPermitOpen: options.includes('permitopen'),
  };
}
