import { type IncomingMessage, request as startRequest } from 'node:http';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { hostPortOf } from '../clouds/auth-url.ts';
import { connectToService, type OpenSocket } from './reach.ts';
import type { Trust } from './trust.ts';

/** The answer of an HTTP service. */
export interface HttpAnswer {
  readonly status: number;
  /** By their names in lower case; the first of several. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when it is none. */
  readonly data: unknown;
}

/** One request. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** How a request travels. */
export interface HttpContext {
  readonly open: OpenSocket;
  readonly trust: Trust;
  readonly signal: AbortSignal;
}

/** A catalog of a large cloud has some 100 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks one question over a connection of its own. Redirections are not followed: a secret would go elsewhere.
 *
 * @throws TshuttleError as {@link connectToService}; ERR_API_UNREACHABLE when the connection breaks or the answer is no HTTP
 */
export async function ask(
  { url, method, headers, body }: HttpRequest,
  context: HttpContext,
): Promise<HttpAnswer> {
  const place = hostPortOf(url);
  if (place === undefined) throw new Error(`no http URL: ${url.protocol}`);
  const socket = await connectToService({ ...place, isTls: url.protocol === 'https:' }, context);
  const text = body === undefined ? undefined : JSON.stringify(body);
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const request = startRequest({
        method,
        host: place.host,
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          accept: 'application/json',
          'user-agent': 'tshuttle',
          connection: 'close',
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
        createConnection: () => socket,
        signal: context.signal,
      });
      let isAnswered = false;
      request.on('error', reject);
      request.on('response', (response) => {
        isAnswered = true;
        void collect(response).then(resolve, reject);
      });
      // Without an error where the service changes to another protocol (native-notes/node-http.md).
      request.on('close', () => {
        if (!isAnswered) reject(new Error('it speaks another protocol'));
      });
      request.end(text);
    });
  } catch (error) {
    if (context.signal.aborted || error instanceof TshuttleError) throw error;
    const message = `${url.host} gives no answer: ${messageOf(error).split('\n', 1)[0]}`;
    throw new TshuttleError('ERR_API_UNREACHABLE', message, { cause: error });
  } finally {
    socket.destroy();
  }
}

/** The URL of something below a service's own; without a query. */
export function below(url: URL, path: string): URL {
  const inner = new URL(url);
  inner.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  inner.search = '';
  inner.hash = '';
  return inner;
}

async function collect(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`it is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: firstOfEach(response.headersDistinct),
    data: parseJson(Buffer.concat(chunks).toString('utf8')),
  };
}

function firstOfEach(headers: IncomingMessage['headersDistinct']): HttpAnswer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) =>
      values?.[0] === undefined ? [] : [[name, values[0]]],
    ),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
