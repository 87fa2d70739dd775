import type { Socket } from 'node:net';
import { formatEndpoint, makeEndpoint, toDestination } from '../net/endpoint.ts';
import { HandshakeFailure, HandshakeReader } from './handshake-reader.ts';
import type { ProxyContext } from './proxy-context.ts';
import { mayUse, type ProxyCredentials } from './proxy-credentials.ts';
import { sayFarewell } from './say-farewell.ts';
import {
  decodeGreeting,
  decodePassword,
  decodeRequest4,
  decodeRequest5,
  encodeMethod,
  encodePasswordReply,
  encodeReply4,
  encodeReply5,
  METHODS,
  type ReplyCode,
  type SocksRequest,
} from './socks-messages.ts';

/** From the connection to the complete request, in ms. */
const HANDSHAKE_TIMEOUT_MS = 20_000;

/**
 * Speaks SOCKS5, SOCKS4 or SOCKS4a (CONNECT only) with a client, and hands its flow over; the client hears whether its
 * connection is open when it is. Owns the socket, which is paused and unread. Never rejects.
 */
export async function serveSocksClient(
  accepted: Socket,
  { logger, credentials, onFlow }: ProxyContext,
): Promise<void> {
  const originator = makeEndpoint(accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
  if (originator === undefined) {
    accepted.destroy();
    return;
  }
  const reader = new HandshakeReader(accepted, HANDSHAKE_TIMEOUT_MS);
  try {
    const greeting = await reader.next(decodeGreeting);
    const { request, encodeReply } =
      greeting.version === 4
        ? await askedBy4(reader, credentials)
        : await askedBy5(reader, accepted, greeting.methods, credentials);
    if (request.kind === 'unsupported') {
      accepted.write(encodeReply(request.reply));
      throw new HandshakeFailure(request.what);
    }
    reader.release();
    onFlow({
      accepted,
      originator,
      destination: toDestination(request.destination),
      answer: {
        opened: () => accepted.write(encodeReply('succeeded')),
        failed: (failure) => {
          accepted.write(encodeReply(failure));
          sayFarewell(accepted);
        },
      },
    });
  } catch (error) {
    if (!(error instanceof HandshakeFailure)) throw error;
    logger.info(`refused a SOCKS client: ${error.message}`, { originator: formatEndpoint(originator) });
    reader.release();
    sayFarewell(accepted);
  }
}

/** What a client wants, and how it is answered. */
interface Asked {
  readonly request: SocksRequest;
  readonly encodeReply: (reply: ReplyCode) => Buffer;
}

/** SOCKS4 has no password: its user id stands for one, `user:password`, as little protected as with SOCKS5. */
async function askedBy4(reader: HandshakeReader, wanted: ProxyCredentials | undefined): Promise<Asked> {
  const { userId, request } = await reader.next(decodeRequest4);
  const colon = userId.indexOf(':');
  const shown = { user: userId.slice(0, Math.max(0, colon)), password: userId.slice(colon + 1) };
  const isWelcome = mayUse(wanted, shown);
  return { request: isWelcome ? request : WRONG_PASSWORD, encodeReply: encodeReply4 };
}

const WRONG_PASSWORD: SocksRequest = { kind: 'unsupported', reply: 'prohibited', what: 'wrong password' };

async function askedBy5(
  reader: HandshakeReader,
  accepted: Socket,
  methods: readonly number[],
  wanted: ProxyCredentials | undefined,
): Promise<Asked> {
  const method = wanted === undefined ? METHODS.none : METHODS.password;
  if (!methods.includes(method)) {
    accepted.write(encodeMethod(METHODS.unacceptable));
    throw new HandshakeFailure(
      wanted === undefined ? 'it wants to log in, and nobody can' : 'it shows no password',
    );
  }
  accepted.write(encodeMethod(method));
  if (method === METHODS.password) {
    const isRight = mayUse(wanted, await reader.next(decodePassword));
    accepted.write(encodePasswordReply(isRight));
    if (!isRight) throw new HandshakeFailure('wrong password');
  }
  return { request: await reader.next(decodeRequest5), encodeReply: encodeReply5 };
}
