import { existsSync, unwatchFile, watchFile } from 'node:fs';
import { systemNameservers } from './nameservers.ts';
import { type Nameserver, RESOLV_CONF_FILES } from './resolv-conf.ts';

/** Looking at two files costs next to nothing, and inotify does not follow a link that is replaced. macOS writes the first anew, too. */
const INTERVAL_MS = 2_000;

/**
 * Calls back whenever the machine is told to ask other nameservers, as when it comes into another network.
 *
 * @param known those of the time of the call
 * @param resolvConf as for {@link systemNameservers}
 */
export function watchNameservers(
  known: readonly Nameserver[],
  onChange: (nameservers: readonly Nameserver[]) => void,
  resolvConf?: string,
): { stop(): void } {
  const files = resolvConf === undefined ? RESOLV_CONF_FILES : [resolvConf];
  let before = JSON.stringify(known);
  const look = (): void => {
    // That of a process that has ended says nothing any more.
    if (resolvConf !== undefined && !existsSync(resolvConf)) return;
    const nameservers = systemNameservers(resolvConf);
    const now = JSON.stringify(nameservers);
    if (now === before) return;
    before = now;
    onChange(nameservers);
  };
  for (const file of files) watchFile(file, { interval: INTERVAL_MS, persistent: false }, look);
  // They may have changed since they were read.
  const first = setImmediate(look);
  return {
    stop: () => {
      clearImmediate(first);
      for (const file of files) unwatchFile(file, look);
    },
  };
}
