import { KEYS_FOLDER } from '../setup.ts';

/** What a gate runs for whoever changes its keys, and for sshd. */
export const GATE_SCRIPT = '/usr/local/sbin/tshuttle-gate-keys';

/** Where the script has the keys: a folder of the account that changes them. */
export const GATE_FOLDER = '/var/lib/tshuttle-gate';

/** The keys that may change keys; root's. */
export const MANAGEMENT_KEYS = `${KEYS_FOLDER}/management_keys`;

/** The account that changes the keys of another, and can do nothing else. */
export function managementAccountOf(user: string): string {
  return `${user}-keys`;
}
