import { isIP } from 'node:net';
import type { Logger } from '../core/log.ts';
import { type Endpoint, makeEndpoint, sameEndpoint } from '../net/endpoint.ts';
import { lookUpHost } from '../ssh/look-up.ts';
import { openOpensshTransport } from '../ssh/openssh/transport.ts';
import type { SshRequest } from '../ssh/request.ts';
import type { SshTarget } from '../ssh/ssh-target.ts';
import type { Transport } from '../ssh/transport.ts';
import type { TransportChoice } from '../ssh/transport-choice.ts';

interface OpensshConnectionsOptions {
  readonly remote: SshRequest;
  readonly transport: TransportChoice;
}

interface OpensshConnectionsContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  setExempt(endpoints: readonly Endpoint[]): Promise<void>;
}

/** A connection by the user's own ssh, with what a tunnel asks of its connections. */
interface OpensshConnections extends Transport {
  exempt(): Promise<readonly Endpoint[]>;
  /** Always rejects. */
  readFile(path: string): Promise<string>;
}

/**
 * Has the user's own ssh connect to the bastion, or joins one that is up.
 *
 * @throws TshuttleError as `openOpensshTransport` does; nothing is left behind then
 */
export async function openOpensshConnections(
  target: SshTarget,
  options: OpensshConnectionsOptions,
  context: OpensshConnectionsContext,
): Promise<OpensshConnections> {
  const { remote, transport } = options;
  if (remote.password !== undefined) {
    context.logger.warn(
      'the password in -r is not used: ssh asks for it itself, on the terminal or by SSH_ASKPASS',
    );
  }
  const wayIn = transport.controlPath === undefined ? await wayInOf(target) : [];
  if (wayIn.length > 0) await context.setExempt(wayIn);
  const opened = await openOpensshTransport(target, remote, transport, context);
  const exempt = [
    ...wayIn,
    ...opened.peers.filter((peer) => !wayIn.some((known) => sameEndpoint(known, peer))),
  ];
  return Object.assign(opened, {
    exempt: async () => exempt,
    readFile: () =>
      Promise.reject(
        new Error('--transport openssh reads no files of the bastion; name its resolver with --to-ns'),
      ),
  });
}

/** Where ssh will dial, as far as that can be known before it does: not where a ProxyCommand leads. Never rejects. */
async function wayInOf(target: SshTarget): Promise<readonly Endpoint[]> {
  const { proxy, host, port, addressFamily } = target;
  if (proxy.kind === 'jump') return await wayInOf(proxy.jumpHost);
  if (proxy.kind !== 'none') return [];
  const family = addressFamily === 'any' ? 0 : addressFamily;
  const addresses = isIP(host) === 0 ? await lookUpHost(host, family).catch(() => []) : [host];
  return addresses.flatMap((address) => makeEndpoint(address, port) ?? []);
}
