import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { SocketPlace } from '../../net/sockets/socket-place.ts';
import type { QueryOrigin } from '../pass-through/dial-nameserver.ts';
import { watchNameservers } from '../system/nameserver-watch.ts';

/** Where queries are captured, and where nameservers are asked from. */
export interface QueryPlace {
  /** Undefined: here. */
  readonly listensAt: SocketPlace | undefined;
  /** What names the nameservers; undefined: the configuration of this machine. */
  readonly resolvConf: string | undefined;
  /** Undefined: here, where those of this machine answer. */
  readonly askFrom: QueryOrigin | undefined;
  readonly watchNameservers: typeof watchNameservers;
  /** Whether our own queries would be captured, so that they have to be exempt. */
  readonly capturesOwn: boolean;
}

/** A namespace that has a resolv.conf of its own means nameservers that may answer in it alone, as 127.0.0.11 of Docker. */
export function queryPlaceOf(namespace: NetworkNamespace | undefined): QueryPlace {
  const within = namespace?.kind === 'entered' && namespace.resolvConf !== undefined ? namespace : undefined;
  return {
    listensAt: namespace,
    resolvConf: within?.resolvConf,
    watchNameservers: (known, onChange) => watchNameservers(known, onChange, within?.resolvConf),
    askFrom: within,
    capturesOwn: namespace === undefined || within !== undefined,
  };
}
