import { isIP } from 'node:net';
import type { SshTarget } from './ssh-target.ts';

/** The names that are looked up on this machine to reach a bastion; those of a ProxyCommand are not known. */
export function hostNamesOnRoute(target: SshTarget): readonly string[] {
  const { proxy, host } = target;
  const names = ((): readonly string[] => {
    switch (proxy.kind) {
      case 'none':
        return [host];
      case 'jump':
        // What is behind a jump host is looked up there.
        return hostNamesOnRoute(proxy.jumpHost);
      case 'socks5':
        return [proxy.proxy.host];
      case 'command':
        return [target.requestedHost, host];
    }
  })();
  return [...new Set(names)].filter((name) => isIP(name) === 0);
}
