import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { openOpensshTransport } from '../../../../src/ssh/openssh/transport.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let folder: string;
const { signal } = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-surroundings-'));
  sshd = await startLoopbackSshd('Subsystem sftp internal-sftp');
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Opens a transport by SOCKS, carries a connection through it, and reads a file of the bastion. */
async function carryOne(options: readonly string[] = []): Promise<readonly string[]> {
  const logger = recordingLogger();
  const request = sshd.request([join(sshd.directory, 'user_key')], ...options);
  const target = await resolveTarget(request, { logger, signal });
  const context = { logger, signal, mayOpenSession: false };
  const choice = { controlPath: undefined, carry: 'socks' } as const;
  const transport = await openOpensshTransport(target, request, choice, context);
  try {
    await using destination = await openDestination((socket) => void socket.end('hello'));
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    expect((await readToEnd(socket)).toString()).toBe('hello');
    expect(await transport.readFile(sshd.knownHosts)).toContain(`:${sshd.port}`);
  } finally {
    await transport.close();
  }
  return logger.lines;
}

describe('the folder for temporary files', () => {
  test.each([
    ['is not there', () => join(folder, 'none')],
    ['is a file', () => sshd.knownHosts],
    ['takes no folders, even of root', () => '/proc/self'],
    ['is too long for a socket', () => join(folder, 'x'.repeat(100))],
    ['has a token of ssh in its name', () => join(folder, '%h')],
    ['has a colon in its name', () => join(folder, 'a:b')],
    ['has a blank in its name', () => join(folder, 'a b')],
    ['is relative', () => 'relative'],
  ])('TMPDIR that %s', async (what, path) => {
    if (/name|long/.test(what)) await mkdir(path(), { recursive: true });
    vi.stubEnv('TMPDIR', path());
    vi.stubEnv('XDG_RUNTIME_DIR', '');
    await carryOne();
  });

  test('XDG_RUNTIME_DIR that is too long, and TMPDIR that is not there', async () => {
    const runtime = join(folder, 'y'.repeat(100));
    await mkdir(runtime, { mode: 0o700 });
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    vi.stubEnv('TMPDIR', join(folder, 'none'));
    await carryOne();
  });
});

describe('ClearAllForwardings yes', () => {
  test('lets connections through', async () => {
    await carryOne(['ClearAllForwardings=yes']);
  });

  test('and the forwardings that it is for are not opened', async () => {
    // ssh would say that it cannot.
    await using taken = await openDestination(() => {});
    const lines = await carryOne([
      'ClearAllForwardings=yes',
      `LocalForward=${taken.port} localhost:${sshd.port}`,
    ]);
    const log = lines.join('\n');
    expect(log).toContain(`ClearAllForwardings is for LocalForward ${taken.port}`);
    expect(log).not.toMatch(/in use|cannot listen/i);
  });
});
