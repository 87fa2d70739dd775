import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';
import { withSourcePositions } from '../../../core/source-positions.ts';
import { LOOPBACK } from '../../address/literal.ts';
import { THIS_MACHINE } from '../../sockets/socket-place.ts';
import { lookUpRoute } from '../route-check.ts';
import type { HolderReply, HolderRequest } from './namespace-protocol.ts';

/*
 * The process in a network namespace that makes sockets there for the process that started it, and ends when that ends, in whatever
 * way. A namespace of its own, of which it is root, it makes ready first, and ends what is in it; in one of others it touches nothing.
 */

/** A dummy address (RFC 7600): a source that no destination has. */
const SOURCE = '192.0.0.8';

/** With them a name is resolved by a process outside, past the capture: nss-resolve and nscd, in all places they have had. */
const RESOLVING_SOCKETS = [
  '/run/systemd/resolve/io.systemd.Resolve',
  '/run/nscd/socket',
  '/var/run/nscd/socket',
];

/** Where the copies of files are made; on every machine, and nobody else looks in this mount namespace meanwhile. */
const COPIES = '/tmp';

/** As tshuttle's own (sysexits.h: EX_SOFTWARE). */
const EXIT_BUG = 70;

/** How long what is asked to end may take, in ms. */
const GRACE_MS = 1_000;

/** For how long a connection may not be accepted, as for those that we make outside. */
const CONNECT_TIMEOUT_MS = 5_000;

const TOOL_OPTIONS: ExecFileSyncOptions = {
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin', LC_ALL: 'C' },
  stdio: ['ignore', 'ignore', 'pipe'],
  timeout: 10_000,
};

function prepare(ipv6: boolean, ownCopies: readonly string[]): void {
  const ip = (words: string): void => void execFileSync('ip', words.split(' '), TOOL_OPTIONS);
  ip('link set lo up');
  ip(`address add ${SOURCE}/32 dev lo`);
  ip(`route add default dev lo src ${SOURCE}`);
  if (ipv6) ip('-6 route add default dev lo');
  for (const path of RESOLVING_SOCKETS.filter((one) => existsSync(one))) bind('/dev/null', path);
  if (ownCopies.length > 0) coverWithCopies(ownCopies);
}

/** A program that starts in the namespace finds a file of the user's; the name, and where a link leads, stay. */
function coverWithCopies(paths: readonly string[]): void {
  const texts = paths.map((path) => readFileSync(path));
  // A file system of our own, out of sight as soon as the copies are bound: a bind mount keeps it alive.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'tmpfs', COPIES], TOOL_OPTIONS);
  for (const [index, path] of paths.entries()) {
    if (path.startsWith(`${COPIES}/`)) continue; // hidden by now
    const copy = join(COPIES, String(index));
    writeFileSync(copy, texts[index] ?? '', { mode: 0o644 });
    bind(copy, path);
  }
  execFileSync('umount', [COPIES], TOOL_OPTIONS);
}

function bind(from: string, to: string): void {
  execFileSync('mount', ['--bind', from, to], TOOL_OPTIONS);
}

function reply(id: number, answer: HolderReply['answer']): void {
  process.send?.({ id, answer } satisfies HolderReply, undefined, undefined, ignoreError);
}

async function make({ id, make: kind, at }: Extract<HolderRequest, { make: unknown }>): Promise<void> {
  const answer: HolderReply = { id, answer: { kind: 'done' } };
  if (kind === 'server') {
    const server = createServer();
    await THIS_MACHINE.listen(server, at);
    // A copy here would take connections, too.
    process.send?.(answer, server, {}, () => server.close());
  } else {
    const socket = await THIS_MACHINE.bind(at);
    process.send?.(answer, socket, {}, () => socket.close());
  }
}

/** Gives away a connection as soon as it is open; nothing is read of it here. */
function open({ id, connect: to, localPort }: Extract<HolderRequest, { connect: unknown }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ ...to, localPort, allowHalfOpen: true, noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('timed out')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      process.send?.({ id, answer: { kind: 'done' } } satisfies HolderReply, socket, {}, () => resolve());
    });
  });
}

/** The families whose loopback address there is: a new namespace has none, since its loopback is down. */
function loopbackFamilies(): ReadonlyArray<4 | 6> {
  const addresses = Object.values(networkInterfaces()).flatMap((infos = []) => infos);
  return ([4, 6] as const).filter((family) => addresses.some(({ address }) => address === LOOPBACK[family]));
}

/** Its processes, but for this one: descendants of the command, whatever they have become. */
function othersInside(): readonly number[] {
  const namespaceOf = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/net`);
  const own = namespaceOf('self');
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && pid !== process.pid && namespaceOf(pid) === own;
      } catch {
        return false; // it has ended, or is another user's
      }
    });
}

function signalOthers(signal: 'SIGTERM' | 'SIGKILL'): boolean {
  const others = othersInside();
  for (const pid of others) {
    try {
      process.kill(pid, signal);
    } catch {} // it has ended
  }
  return others.length > 0;
}

/** Whether the namespace was made for us, so that all that is in it ends with us. */
let isOwn = false;
let isEnding = false;

function end(): void {
  if (isEnding) return;
  isEnding = true;
  if (!isOwn || !signalOthers('SIGTERM')) process.exit();
  const startedMs = performance.now();
  setInterval(() => {
    if (othersInside().length === 0) process.exit();
    if (performance.now() - startedMs > GRACE_MS) signalOthers('SIGKILL');
  }, 50);
}

function ignoreError(): void {}

/** What is in the namespace is ended by this process, so it ends in order, whatever it has met. */
function onBug(thrown: unknown): void {
  process.exitCode = EXIT_BUG;
  process.stderr.write(
    `${thrown instanceof Error ? withSourcePositions(thrown.stack ?? '') : String(thrown)}\n`,
  );
  end();
}

process.on('uncaughtException', onBug);
process.on('unhandledRejection', onBug);
process.on('disconnect', end);
// Ctrl-C is for the command.
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTERM', 'SIGTSTP'] as const)
  process.on(signal, ignoreError);
process.on('message', (request: HolderRequest) => {
  serve(request).catch((error: unknown) =>
    reply(request.id, { kind: 'failed', code: systemCodeOf(error), message: messageOf(error) }),
  );
});

async function serve(request: HolderRequest): Promise<void> {
  if ('make' in request) await make(request);
  else if ('connect' in request) await open(request);
  else if ('look' in request) reply(request.id, { kind: 'looked', families: loopbackFamilies() });
  else if ('route' in request) {
    const { family, address } = request.route;
    reply(request.id, { kind: 'route', route: await lookUpRoute(family, address) });
  } else {
    isOwn = true;
    prepare(request.ipv6, request.ownCopies);
    reply(request.id, { kind: 'done' });
  }
}
