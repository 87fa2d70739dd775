import type { OpensshOptions } from './openssh/transport.ts';

/** What carries flows: ssh2 in this process, the user's own ssh, or whichever the configuration and the bastion call for. */
export interface TransportChoice extends OpensshOptions {
  readonly kind: 'auto' | 'ssh2' | 'openssh';
}
