import { type AddressInfo, connect, createServer, type NetConnectOpts } from 'node:net';
import { parseForward } from '../../../src/config/parse/forward.ts';
import { Invalid } from '../../../src/config/parse/invalid.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { Forward } from '../../../src/net/address/forward.ts';
import type { SshRequest } from '../../../src/ssh/config/request.ts';
import { openTunnel } from '../../../src/tunnel/open-tunnel.ts';
import type { Tunnel } from '../../../src/tunnel/tunnel.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';

/** How a tunnel of a test is opened. */
interface TestTunnel {
  /** At least one. */
  readonly remotes: readonly SshRequest[];
  readonly forwards: readonly string[];
  readonly stateFolder: string;
  readonly logger: Logger;
  readonly holdMs?: number;
  readonly returnQuietMs?: number;
}

/** A tunnel with forwards only: no helper, so no root. */
export async function openForwardingTunnel({
  remotes: [first, ...others],
  forwards,
  stateFolder,
  logger,
  holdMs = 5_000,
  returnQuietMs,
}: TestTunnel): Promise<Tunnel & AsyncDisposable> {
  const { signal } = new AbortController();
  const tunnel = await openTunnel(
    {
      remotes: [first!, ...others],
      rules: [],
      listen: undefined,
      method: 'auto',
      tmark: null,
      programs: undefined,
      udp: 'direct',
      ipv6: true,
      namespace: undefined,
      alsoFrom: [],
      captures: false,
      split: undefined,
      proxies: [],
      proxyCredentials: undefined,
      forwards: forwards.map(forwardOf),
      maps: [],
      dns: undefined,
      stateFolder,
      mayOpenSession: false,
      connections: 1,
      transport: { kind: 'ssh2', controlPath: undefined, carry: 'socks' },
      onDown: 'hold',
      holdMs,
    },
    { logger, prompter: NO_TERMINAL, signal, ...(returnQuietMs === undefined ? {} : { returnQuietMs }) },
  );
  return Object.assign(tunnel, { [Symbol.asyncDispose]: () => tunnel.close() });
}

/** As a user writes it. */
export function forwardOf(text: string): Forward {
  const parsed = parseForward(text, (path) => path);
  if (parsed instanceof Invalid) throw new Error(parsed.what);
  return parsed;
}

/** What comes back for `sent`, to the end; rejects where nobody listens, or the connection is reset. */
export async function ask(where: NetConnectOpts, sent = 'question'): Promise<string> {
  const socket = connect({ ...where, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.end(sent);
  return (await readToEnd(socket)).toString();
}

/** Answers with what it is asked behind its name, when that is over. */
export const answering = (name: string) =>
  openDestination((socket) => void readToEnd(socket).then((bytes) => socket.end(`${name}: ${bytes}`)));

/** A port that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
