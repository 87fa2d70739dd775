import type { RekeyLimit } from '../ssh-target.ts';
import { configValue, type SshConfigOutput } from './ssh-config-output.ts';

/** Less would be key exchanges and nothing else: one is 3 KiB. */
const MIN_BYTES = 65_536;

/** What a timer of Node's can wait for; more would be no wait at all. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/** RekeyLimit, which `ssh -G` prints as bytes and seconds, 0 for none. */
export function rekeyLimit(configured: SshConfigOutput): RekeyLimit {
  const [bytes = 0, seconds = 0] = (configValue(configured, 'rekeylimit') ?? '').split(' ').map(Number);
  return {
    bytes: bytes > 0 ? Math.max(bytes, MIN_BYTES) : undefined,
    intervalMs: seconds > 0 ? Math.min(seconds * 1000, MAX_INTERVAL_MS) : undefined,
  };
}
