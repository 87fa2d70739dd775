import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshRequest } from '../../../src/ssh/config/request.ts';
import type { SshdProgram } from '../lab/sshd.ts';
import { withoutPenalties } from '../lab/sshd-features.ts';
import { Child, mustRun } from '../process/child.ts';

/** A real sshd on a loopback port, in which whoever runs the test may log in; and a directory for its keys. */
export interface LoopbackSshd {
  readonly directory: string;
  readonly port: number;
  readonly hostKeyFile: string;
  /** Empty at first. */
  readonly knownHosts: string;
  readonly log: () => string;
  readonly pid: number;
  /** Makes a key pair `NAME` and `NAME.pub`; `ssh-keygen` arguments as given. */
  makeKey(name: string, ...keygenArguments: string[]): Promise<string>;
  /** Lets a key in; called with the path of its private half. */
  authorize(...privateKeyFiles: string[]): Promise<void>;
  /** Starts the server afresh with other configuration lines in front; connections stay. */
  reconfigure(...configLines: string[]): Promise<void>;
  /** A request for this server, its known_hosts and no agent; further -o options as given. */
  request(identityFiles: readonly string[], ...options: string[]): SshRequest;
  [Symbol.asyncDispose](): Promise<void>;
}

const OWN_SSHD: SshdProgram = { command: ['/usr/sbin/sshd'], lines: [] };
const MAX_STARTS = 5;

/** Starts this machine's sshd; configuration lines that come first, count. */
export async function startLoopbackSshd(...configLines: string[]): Promise<LoopbackSshd> {
  return await startSshdOf(OWN_SSHD, ...configLines);
}

/** Starts another one, as {@link startLoopbackSshd}. */
export async function startSshdOf(program: SshdProgram, ...configLines: string[]): Promise<LoopbackSshd> {
  const directory = await mkdtemp(join(tmpdir(), 'tshuttle-sshd-'));
  const at = (name: string): string => join(directory, name);
  // Debian's privilege separation; macOS lets nobody make a folder there.
  if (process.getuid?.() === 0 && process.platform === 'linux') await mkdir('/run/sshd', { recursive: true });
  const makeKey = async (name: string, ...keygenArguments: string[]): Promise<string> => {
    const chosen = keygenArguments.length > 0 ? keygenArguments : ['-t', 'ed25519', '-N', ''];
    await mustRun(['ssh-keygen', '-q', '-C', name, '-f', at(name), ...chosen]);
    return at(name);
  };
  const hostKeyFile = await makeKey('host_key');
  await writeFile(at('authorized_keys'), '');
  let port = 0;
  const configure = async (lines: readonly string[]): Promise<void> => {
    await writeFile(
      at('sshd_config'),
      [
        ...lines,
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${hostKeyFile}`,
        `AuthorizedKeysFile ${at('authorized_keys')}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'UseDNS no',
        'LogLevel VERBOSE',
        'PermitRootLogin yes',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        ...(await withoutPenalties(program.command)),
        ...program.lines,
        '',
      ].join('\n'),
    );
  };
  const start = async (attempts: number): Promise<Child> => {
    port = await freePort();
    await configure(configLines);
    const child = new Child([...program.command, '-D', '-e', '-f', at('sshd_config')]);
    try {
      await child.untilOutput(/Server listening/);
      return child;
    } catch (error) {
      // The kernel may have given the port to a connection that another test made in between.
      if (attempts === 1 || !child.stderr.includes('Address already in use')) throw error;
      return await start(attempts - 1);
    }
  };
  const child = await start(MAX_STARTS);
  let starts = 1;
  return {
    directory,
    port,
    hostKeyFile,
    knownHosts: at('known_hosts'),
    log: () => child.stderr,
    pid: child.pid,
    makeKey,
    authorize: async (...privateKeyFiles) => {
      const keys = await Promise.all(privateKeyFiles.map((file) => readFile(`${file}.pub`, 'utf8')));
      await writeFile(at('authorized_keys'), keys.join(''));
    },
    reconfigure: async (...lines) => {
      await configure(lines);
      child.kill('SIGHUP');
      starts += 1;
      await child.untilOutput(new RegExp(`(?:Server listening[\\s\\S]*?){${starts}}`));
    },
    request: (identityFiles, ...options) => ({
      host: '127.0.0.1',
      user: userInfo().username,
      port,
      password: undefined,
      identityFiles,
      options: [
        ...options,
        `UserKnownHostsFile=${at('known_hosts')}`,
        'GlobalKnownHostsFile=none',
        'IdentityAgent=none',
      ],
    }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
