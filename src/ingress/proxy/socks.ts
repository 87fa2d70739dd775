import type { Socket } from 'node:net';
import { formatEndpoint, makeEndpoint, toDestination } from '../../net/address/endpoint.ts';
import { type FlowAnswer, makeFlow } from '../../net/flow.ts';
import { acceptingServer } from '../../net/sockets/accepting-server.ts';
import type { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { HandshakeFailure, HandshakeReader } from './handshake-reader.ts';
import { lingeringClose } from './lingering-close.ts';
import { cutOffOnBug, type ProxyContext, type ProxyServer } from './proxy-context.ts';
import type { ProxyLogins } from './proxy-logins.ts';
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

/** A proxy for SOCKS5, SOCKS4 and SOCKS4a. */
export function createSocksProxy(clients: AdmittedClients, context: ProxyContext): ProxyServer {
  const server = acceptingServer((accepted) => {
    if (!clients.admit(accepted)) return;
    const serving = serveSocksClient(accepted, context).finally(() => clients.busy(accepted));
    cutOffOnBug(accepted, serving, context.logger);
  });
  // Its clients wait for nothing but their flows.
  return { server, endAnswering: () => {} };
}

/**
 * Speaks SOCKS5, SOCKS4 or SOCKS4a (CONNECT only) with a client, and hands its flow over; the client hears whether its
 * connection is open when it is. Owns the socket, which is paused and unread. Never rejects.
 */
async function serveSocksClient(accepted: Socket, { logger, logins, onFlow }: ProxyContext): Promise<void> {
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
        ? await askedBy4(reader, accepted, logins)
        : await askedBy5(reader, accepted, greeting.methods, logins);
    if (request.kind === 'unsupported') {
      accepted.write(encodeReply(request.reply));
      throw new HandshakeFailure(request.what);
    }
    reader.release();
    const answer: FlowAnswer = {
      opened: () => accepted.write(encodeReply('succeeded')),
      failed: (failure) => {
        accepted.write(encodeReply(failure));
        lingeringClose(accepted);
      },
    };
    onFlow(makeFlow({ accepted, originator, destination: toDestination(request.destination), answer }));
  } catch (error) {
    if (!(error instanceof HandshakeFailure)) throw error;
    logger.info(`refused a SOCKS client: ${error.message}`, { originator: formatEndpoint(originator) });
    reader.release();
    lingeringClose(accepted);
  }
}

/** What a client wants, and how it is answered. */
interface Asked {
  readonly request: SocksRequest;
  readonly encodeReply: (reply: ReplyCode) => Buffer;
}

/** SOCKS4 has no password: its user id stands for one, `user:password`, as little protected as with SOCKS5. */
async function askedBy4(reader: HandshakeReader, accepted: Socket, logins: ProxyLogins): Promise<Asked> {
  const { userId, request } = await reader.next(decodeRequest4);
  const colon = userId.indexOf(':');
  const shown = { user: userId.slice(0, Math.max(0, colon)), password: userId.slice(colon + 1) };
  const verdict = await logins.judge(accepted, shown);
  if (accepted.destroyed) throw new HandshakeFailure('the client went during the handshake');
  if (verdict === 'welcome') return { request, encodeReply: encodeReply4 };
  const refusal = { kind: 'unsupported', reply: 'prohibited', what: UNWELCOME[verdict] } as const;
  return { request: refusal, encodeReply: encodeReply4 };
}

const UNWELCOME = { wrong: 'wrong password', later: 'too many wrong passwords' } as const;

async function askedBy5(
  reader: HandshakeReader,
  accepted: Socket,
  methods: readonly number[],
  logins: ProxyLogins,
): Promise<Asked> {
  const method = logins.areAsked ? METHODS.password : METHODS.none;
  if (!methods.includes(method)) {
    accepted.write(encodeMethod(METHODS.unacceptable));
    throw new HandshakeFailure(
      logins.areAsked ? 'it shows no password' : 'it wants to log in, and nobody can',
    );
  }
  accepted.write(encodeMethod(method));
  if (method === METHODS.password) {
    const verdict = await logins.judge(accepted, await reader.next(decodePassword));
    accepted.write(encodePasswordReply(verdict === 'welcome'));
    if (verdict !== 'welcome') throw new HandshakeFailure(UNWELCOME[verdict]);
  }
  return { request: await reader.next(decodeRequest5), encodeReply: encodeReply5 };
}
