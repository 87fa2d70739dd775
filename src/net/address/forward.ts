import { formatHostPort, type HostPort } from './endpoint.ts';

/** Where a forward listens. */
export type ForwardListen =
  | {
      readonly kind: 'port';
      /** A literal address; `localhost` is loopback of both families, `*` every address of this machine. */
      readonly address: string;
      readonly port: number;
    }
  | {
      readonly kind: 'socket';
      /** Absolute. */
      readonly path: string;
    };

/** A port or a unix socket of this machine that leads to one place behind the bastion: `ssh -L`. */
export interface Forward {
  readonly listen: ForwardListen;
  /** As the bastion sees it: 127.0.0.1 is the bastion itself. */
  readonly to: HostPort;
}

/** Renders `localhost:5432`, `*:5432`, `[::1]:5432` or `/run/me/db.sock`. */
export function formatForwardListen(listen: ForwardListen): string {
  return listen.kind === 'socket' ? listen.path : formatHostPort(listen.address, listen.port);
}
