import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from '../../../src/net/address/endpoint.ts';
import type { SshRequest } from '../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Prompter } from '../../../src/ssh/prompter.ts';
import type { Ssh2Transport } from '../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { type RecordingLogger, recordingLogger } from '../in-process/recording-logger.ts';
import { NO_TERMINAL } from '../in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from './loopback-sshd.ts';

/** Several sshds on loopback, each with a key of its own, and an ssh configuration that names them h1, h2, ... */
export interface SshChain extends AsyncDisposable {
  readonly servers: readonly LoopbackSshd[];
  readonly configFile: string;
  readonly logger: RecordingLogger;
  /** What `beforeDial` was told. */
  readonly dialled: readonly Endpoint[];
  /** Replaces the configuration; `lines` come first, by host name. */
  configure(lines: Readonly<Record<string, readonly string[]>>): Promise<void>;
  connect(request: Partial<SshRequest>, more?: ConnectOptions): Promise<Ssh2Transport>;
}

interface ConnectOptions {
  readonly prompter?: Prompter;
  readonly signal?: AbortSignal;
  readonly beforeProxyCommand?: (pid: number) => Promise<void>;
}

/** Starts so many servers. */
export async function startSshChain(count: number): Promise<SshChain> {
  const servers = await Promise.all(Array.from({ length: count }, () => startLoopbackSshd()));
  const logger = recordingLogger();
  const dialled: Endpoint[] = [];
  const [first] = servers;
  const configFile = join(first!.directory, 'ssh_config');
  for (const server of servers) {
    await server.authorize(await server.makeKey('user_key'));
    const key = (await readFile(`${server.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(server.knownHosts, `[127.0.0.1]:${server.port} ${key}\n`);
  }
  const configure: SshChain['configure'] = async (lines) => {
    const hosts = servers.map((server, index) => {
      const name = `h${index + 1}`;
      return [
        `Host ${name}`,
        ...(lines[name] ?? []),
        'HostName 127.0.0.1',
        `Port ${server.port}`,
        `User ${userInfo().username}`,
        `IdentityFile ${join(server.directory, 'user_key')}`,
        'IdentitiesOnly yes',
        'IdentityAgent none',
        `UserKnownHostsFile ${server.knownHosts}`,
        'GlobalKnownHostsFile none',
        '',
      ].join('\n');
    });
    await writeFile(configFile, hosts.join('\n'));
  };
  await configure({});
  return {
    servers,
    configFile,
    logger,
    dialled,
    configure,
    connect: async (request, more = {}) => {
      dialled.length = 0;
      const { signal = new AbortController().signal, prompter = NO_TERMINAL, ...hooks } = more;
      const nobody = {
        user: undefined,
        port: undefined,
        password: undefined,
        identityFiles: [],
        options: [],
      };
      const target = await resolveTarget(
        { host: `h${count}`, ...nobody, configFile, ...request },
        { logger, signal },
      );
      return await openSsh2Transport(target, {
        logger,
        prompter,
        signal,
        mayOpenSession: false,
        beforeDial: async (endpoint) => {
          dialled.push(endpoint);
        },
        ...hooks,
      });
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}
