import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { DuplexOptions } from 'node:stream';
import { canPairDescriptors, openDescriptorPair } from '../../net/native/descriptors/descriptor-pair.ts';
import { connectSockets, socketOver } from '../../net/sockets/socket-pair.ts';

/** A child, and the socket that is its standard input and output. */
interface ChildAndSocket {
  readonly child: ChildProcess;
  /** The caller owns it. */
  readonly socket: Socket;
}

/**
 * Starts a child that has one connection for its standard input and output: one socket, as OpenSSH gives a ProxyCommand, or two pipes
 * where there are no socket pairs. Standard error and descriptor 3 are pipes.
 *
 * @throws TshuttleError ERR_INTERNAL when there are no descriptors left
 */
export function spawnOverSocket(
  command: string,
  words: readonly string[],
  options: SpawnOptions,
  socketOptions: DuplexOptions,
): ChildAndSocket {
  if (!canPairDescriptors()) return spawnOverPipes(command, words, options, socketOptions);
  const [ours, theirs] = openDescriptorPair();
  const socket = socketOver(ours, socketOptions);
  try {
    const stdio = { ...options, stdio: [theirs, theirs, 'pipe', 'pipe'] } satisfies SpawnOptions;
    return { child: spawn(command, words, stdio), socket };
  } finally {
    closeSync(theirs);
  }
}

function spawnOverPipes(
  command: string,
  words: readonly string[],
  options: SpawnOptions,
  socketOptions: DuplexOptions,
): ChildAndSocket {
  const child = spawn(command, words, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const { near, far } = connectSockets(socketOptions);
  const [input, output] = [child.stdin!, child.stdout!];
  // One that reads no more may still have something to say, as with a socket that is shut down for reading.
  input.on('error', () => far.unpipe(input).resume());
  output.on('error', () => far.resetAndDestroy());
  far.on('close', () => {
    input.destroy();
    output.destroy();
  });
  far.pipe(input);
  output.pipe(far);
  return { child, socket: near };
}
