import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';

/**
 * A named pipe of Node.js can be opened for reading by every user of a Windows machine, and its name be seen by all. So both ends show
 * that they have read a key that only this user can read, before either says anything else:
 *
 *     client: NONCE
 *     server: NONCE PROOF(server)
 *     client: PROOF(client)
 *
 * A proof is an HMAC by the key over who shows it and both nonces, so that none is of use to anybody else or a second time.
 */

const NONCE_BYTES = 16;

/** Longer than any line of it. */
const MAX_LINE_BYTES = 256;

/** For all of it, in ms. */
const TIMEOUT_MS = 5_000;

/** A key for one server. */
export function makePipeKey(): string {
  return randomBytes(32).toString('hex');
}

/**
 * The server's part, over a connection that has just come. What the client says after it is read by the next reader.
 *
 * @throws Error when the client does not have the key, or takes too long; the caller ends the connection
 */
export async function meetClient(socket: Socket, key: string): Promise<void> {
  await inTime(socket, async (lines) => {
    const theirs = await lines();
    const ours = nonce();
    socket.write(`${ours} ${proof(key, 'server', theirs, ours)}\n`);
    if (!isSame(await lines(), proof(key, 'client', theirs, ours)))
      throw new Error('it does not have the key');
  });
}

/**
 * The client's part.
 *
 * @throws Error when the server does not have the key, or takes too long; the caller ends the connection
 */
export async function meetServer(socket: Socket, key: string): Promise<void> {
  await inTime(socket, async (lines) => {
    const ours = nonce();
    socket.write(`${ours}\n`);
    const [theirs = '', shown = ''] = (await lines()).split(' ');
    if (!isSame(shown, proof(key, 'server', ours, theirs))) throw new Error('it does not have the key');
    socket.write(`${proof(key, 'client', ours, theirs)}\n`);
  });
}

function nonce(): string {
  return randomBytes(NONCE_BYTES).toString('hex');
}

function proof(key: string, who: 'client' | 'server', ofClient: string, ofServer: string): string {
  return createHmac('sha256', key).update(`${who} ${ofClient} ${ofServer}`).digest('hex');
}

function isSame(shown: string, right: string): boolean {
  return shown.length === right.length && timingSafeEqual(Buffer.from(shown), Buffer.from(right));
}

async function inTime(socket: Socket, meet: (lines: () => Promise<string>) => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onGone = (): void => {};
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), TIMEOUT_MS);
    onGone = () => reject(new Error('it closed the connection'));
  });
  for (const event of ['end', 'close', 'error']) socket.once(event, onGone);
  try {
    await Promise.race([meet(() => readLine(socket)), tooLate]);
  } finally {
    clearTimeout(timer);
    for (const event of ['end', 'close', 'error']) socket.off(event, onGone);
  }
}

/** One line without its newline; what comes behind it is put back. */
async function readLine(socket: Socket): Promise<string> {
  let text = Buffer.alloc(0);
  for (;;) {
    const chunk = (socket.read() ?? undefined) as Buffer | undefined;
    if (chunk === undefined) {
      await new Promise<void>((resolve) => socket.once('readable', resolve));
      continue;
    }
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf('\n');
    if ((end < 0 ? text.length : end) > MAX_LINE_BYTES) throw new Error('it says what is no proof');
    if (end < 0) continue;
    if (end + 1 < text.length) socket.unshift(text.subarray(end + 1));
    return text.toString('latin1', 0, end);
  }
}
