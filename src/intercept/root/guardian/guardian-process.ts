import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { deferred } from '../../../core/deferred.ts';
import { descriptorOf } from '../../../net/native/descriptors/descriptor.ts';
import { RefusedError } from '../drivers/backend/rule-backend.ts';
import { keepOpenInTools, TOOL_ENVIRONMENT } from '../drivers/backend/run-tool.ts';
import { thisInstanceText } from '../drivers/backend/this-instance.ts';

const GUARDIAN = fileURLToPath(new URL(`./guardian${extname(import.meta.url)}`, import.meta.url));

/** Node.js starts within 0.1 s, and on a machine that is busy within some. */
const READY_TIMEOUT_MS = 20_000;

/** The process that undoes our rules when we are killed (guardian.ts). */
export interface Guardian {
  /** Resolves, never rejects, with the reason when it has ended unasked. */
  readonly lost: Promise<string>;
  /** Ends it: there is nothing to undo any more. Resolves when it has ended. Idempotent. */
  release(): Promise<void>;
}

/**
 * Starts it, and waits until it watches. Every tool from then on is watched with us.
 *
 * @param program tests have one of their own
 * @throws RefusedError
 */
export async function startGuardian(program = GUARDIAN): Promise<Guardian> {
  const child = spawn(process.execPath, [program, thisInstanceText()], {
    shell: false,
    env: TOOL_ENVIRONMENT,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
    // In a session of its own, no key of the terminal reaches it.
    detached: true,
  });
  const [input, output, , tools] = child.stdio as unknown as [Socket, Readable, null, Socket];
  const lost = deferred<string>();
  const exited = deferred<void>();
  for (const stream of [input, output, tools]) stream.on('error', () => {}); // its end is what counts
  child.on('error', (error) => lost.resolve(`the process that would remove the rules: ${error.message}`));
  child.on('error', () => exited.resolve());
  child.on('exit', (status, signal) => {
    lost.resolve(`the process that would remove the rules ended with ${signal ?? status}`);
    exited.resolve();
  });
  const timeout = deferred<string>();
  const timer = setTimeout(
    () => timeout.resolve('the process that would remove the rules does not start'),
    READY_TIMEOUT_MS,
  );
  const ready = deferred<undefined>();
  output.once('data', () => ready.resolve(undefined));
  const failure = await Promise.race([ready.promise, lost.promise, timeout.promise]);
  clearTimeout(timer);
  if (failure !== undefined) {
    child.kill('SIGKILL');
    throw new RefusedError(failure);
  }
  keepOpenInTools(descriptorOf(tools));
  return {
    lost: lost.promise,
    async release() {
      keepOpenInTools(undefined);
      input.end('.');
      await exited.promise;
    },
  };
}
