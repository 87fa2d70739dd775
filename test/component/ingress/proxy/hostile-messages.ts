import type { Socket } from 'node:net';

/** What a destination answers, and what the client of the proxy hears. */
export interface AnswerCase {
  readonly name: string;
  /** Latin-1, or what writes it. */
  readonly raw: string | ((socket: Socket) => void);
  /** What the destination does afterwards; `stay` ends when the other side does, `hold` never. */
  readonly afterwards?: 'end' | 'reset' | 'stay' | 'hold';
  readonly method?: 'GET' | 'HEAD' | 'POST';
  /**
   * A status of a whole answer; `cut`: one whose end does not come, or nothing; `502 or cut`: a reset overtakes what was sent.
   * `502 or 200`, `cut or 200`: either is right, and which it is depends on the parser of that Node.js.
   */
  readonly expected: number | 'cut' | '502 or cut' | '502 or 200' | 'cut or 200';
  /** The parser of this Node.js takes it for a body that goes on: the client waits as long as it wants to. */
  readonly isEndless?: boolean;
  readonly body?: string;
}

/** What a client asks for, and all that it hears until its connection is over. */
export interface RequestCase {
  readonly name: string;
  readonly raw: string | ((socket: Socket) => void);
  readonly expected: RegExp;
}

const BODY = 'hello';
const OK = 'HTTP/1.1 200 OK\r\n';
const SIZED = `${OK}Content-Length: 5\r\n`;

/** Numbers without Math.random, so that a failure can be had again. */
function* seeded(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 24;
  }
}

function randomBytes(seed: number, length: number): string {
  const numbers = seeded(seed);
  return Array.from({ length }, () => String.fromCharCode(numbers.next().value as number)).join('');
}

function hex(text: string): string {
  return `0x${text.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Writes one piece after the other until the connection is over. */
function endlessly(first: string, piece: string, everyMs: number): (socket: Socket) => void {
  return (socket) => {
    socket.write(Buffer.from(first, 'latin1'));
    const timer = setInterval(() => socket.write(Buffer.from(piece, 'latin1')), everyMs);
    socket.once('close', () => clearInterval(timer));
  };
}

const passedOn = (name: string, raw: AnswerCase['raw'], more: Partial<AnswerCase> = {}): AnswerCase => ({
  ...{ name, raw, expected: 200, body: BODY },
  ...more,
});
const refused = (name: string, raw: AnswerCase['raw'], more: Partial<AnswerCase> = {}): AnswerCase => ({
  ...{ name, raw, expected: 502 },
  ...more,
});
const cut = (name: string, raw: AnswerCase['raw'], more: Partial<AnswerCase> = {}): AnswerCase => ({
  ...{ name, raw, expected: 'cut' },
  ...more,
});

const CONTROL_CHARACTERS = ['\x00', '\x01', '\x07', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'];
const WHOLE_HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n';

const STATUSES: readonly AnswerCase[] = [
  ...[
    '200',
    '201',
    '203',
    '206',
    '226',
    '299',
    '300',
    '400',
    '404',
    '418',
    '499',
    '500',
    '599',
    '600',
    '999',
  ].map((status) =>
    passedOn(`status ${status}`, `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n${BODY}`, {
      expected: Number(status),
    }),
  ),
  ...['000', '001', '042', '099'].flatMap((status) => [
    refused(`status ${status}`, `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n${BODY}`),
    refused(`status ${status}, and nothing more`, `HTTP/1.1 ${status} X\r\n\r\n`, { afterwards: 'stay' }),
  ]),
  ...['100', '102', '103', '150', '199'].flatMap((status) => [
    refused(`status ${status} and the end`, `HTTP/1.1 ${status} X\r\n\r\n`),
    refused(`status ${status} and nothing more`, `HTTP/1.1 ${status} X\r\n\r\n`, {
      afterwards: 'stay',
      expected: 504,
    }),
    passedOn(`status ${status} before the answer`, `HTTP/1.1 ${status} X\r\nA: b\r\n\r\n${SIZED}\r\n${BODY}`),
  ]),
  refused('101 and nothing more', 'HTTP/1.1 101 X\r\n\r\n', { afterwards: 'stay' }),
  refused('101 before the answer', `HTTP/1.1 101 X\r\n\r\n${SIZED}\r\n${BODY}`),
  refused('101 with Upgrade', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', {
    body: "tshuttle: the destination's answer changes to a protocol that nobody asked for\n",
    afterwards: 'stay',
  }),
  refused('33 answers before the answer', `${'HTTP/1.1 103 X\r\n\r\n'.repeat(33)}${SIZED}\r\n${BODY}`),
  refused('answers before the answer without end', endlessly('', 'HTTP/1.1 100 X\r\n\r\n'.repeat(10), 1)),
  ...['', '2', '20', '1000', '-20', '+20', '2x0', 'abc', '٢٠٠'].map((status) =>
    refused(`status ${JSON.stringify(status)}`, `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n${BODY}`),
  ),
];

const REASONS: readonly AnswerCase[] = [
  ...['\t', '\x01', '\x07', '\x0b', '\x1b', '\x7f', '\x80', '\xa0', '\xff', '\xe2\x80\xae'].map((character) =>
    passedOn(
      `${hex(character)} in the reason`,
      `HTTP/1.1 200 O${character}K\r\nContent-Length: 5\r\n\r\n${BODY}`,
    ),
  ),
  passedOn('no reason', `HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n${BODY}`),
  passedOn('an empty reason', `HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n${BODY}`),
  passedOn('a reason of 8 KiB', `HTTP/1.1 200 ${'x'.repeat(8_192)}\r\nContent-Length: 5\r\n\r\n${BODY}`),
  refused('a reason without end', endlessly('HTTP/1.1 200 ', 'x'.repeat(4_096), 1)),
];

const FIELDS: readonly AnswerCase[] = [
  ...CONTROL_CHARACTERS.map((character) =>
    refused(`${hex(character)} in a value`, `${SIZED}A: b${character}c\r\n\r\n${BODY}`),
  ),
  ...CONTROL_CHARACTERS.concat(' ', '(', '\x80', '"', '@').map((character) =>
    refused(`${hex(character)} in a name`, `${SIZED}A${character}B: c\r\n\r\n${BODY}`),
  ),
  ...['\x80', '\xff', '\t'].map((character) =>
    passedOn(`${hex(character)} in a value`, `${SIZED}A: b${character}c\r\n\r\n${BODY}`),
  ),
  refused('an empty name', `${SIZED}: c\r\n\r\n${BODY}`),
  refused('a line without a colon', `${SIZED}hello\r\n\r\n${BODY}`),
  refused('a space before the colon', `${SIZED}A : b\r\n\r\n${BODY}`),
  refused('a bare CR in a value', `${SIZED}A: b\rX: y\r\n\r\n${BODY}`),
  passedOn('an empty value', `${SIZED}A:\r\n\r\n${BODY}`),
  passedOn('fields twice', `${SIZED}Set-Cookie: a=1\r\nSet-Cookie: a=1\r\nA: 1\r\na: 2\r\n\r\n${BODY}`),
  passedOn('3,000 fields', `${SIZED}${'A:b\r\n'.repeat(3_000)}\r\n${BODY}`),
  passedOn(
    'the length behind 2,500 fields',
    `${OK}${'A:b\r\n'.repeat(2_500)}Content-Length: 5\r\n\r\n${BODY}more`,
  ),
  refused('a head of 40 KiB', `${SIZED}A: ${'b'.repeat(40_960)}\r\n\r\n${BODY}`),
  refused('a name of 40 KiB', `${SIZED}${'A'.repeat(40_960)}: b\r\n\r\n${BODY}`),
  refused('fields without end', endlessly(OK, 'A: b\r\n'.repeat(500), 1)),
  // RFC 9112 section 5.2: a proxy refuses them, or makes spaces of what folds them.
  passedOn('a folded value', `${SIZED}A: b\r\n c\r\n\r\n${BODY}`, { expected: '502 or 200' }),
  passedOn('a value folded by a tab', `${SIZED}A: b\r\n\tc\r\n\r\n${BODY}`, { expected: '502 or 200' }),
  passedOn('a field that Connection names', `${SIZED}Connection: a\r\nA: b\r\n\r\n${BODY}`),
  passedOn('a Connection that names the length', `${SIZED}Connection: content-length\r\n\r\n${BODY}`),
  passedOn('Keep-Alive', `${SIZED}Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n${BODY}`, {
    afterwards: 'stay',
  }),
  passedOn('Upgrade without 101', `${SIZED}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n${BODY}`),
  passedOn(
    'Proxy-Authenticate',
    `HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n${BODY}`,
    { expected: 407 },
  ),
  passedOn('Trailer with a length', `${SIZED}Trailer: X\r\n\r\n${BODY}`),
  passedOn('Trailer until the end', `${OK}Trailer: X\r\n\r\n${BODY}`),
  passedOn('Trailer that names the length', `${SIZED}Trailer: Content-Length\r\n\r\n${BODY}`),
];

/** The parser of the oldest that we promise, and of no other, takes an extension of any length: CVE-2024-22019. */
const BOUNDS_EXTENSIONS = process.version !== 'v20.11.0';

const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n`;
const CHUNK = '5\r\nhello\r\n';
const FRAMING: readonly AnswerCase[] = [
  passedOn('until the end', `${OK}\r\n${BODY}`),
  passedOn('a length and more behind it', `${SIZED}\r\n${BODY}and more`),
  passedOn('a length and another answer behind it', `${SIZED}\r\n${BODY}${SIZED}\r\n${BODY}`),
  passedOn('a length with a zero before it', `${OK}Content-Length: 05\r\n\r\n${BODY}`),
  ...['', '+5', '-1', '5x', '0x5', '5 5', '5, 5', '5,6', '99999999999999999999999', 'five'].map((length) =>
    refused(`a length of ${JSON.stringify(length)}`, `${OK}Content-Length: ${length}\r\n\r\n${BODY}`),
  ),
  refused('two equal lengths', `${SIZED}Content-Length: 5\r\n\r\n${BODY}`),
  refused('two lengths', `${SIZED}Content-Length: 3\r\n\r\n${BODY}`),
  refused('length and chunks', `${SIZED}Transfer-Encoding: chunked\r\n\r\n${CHUNK}0\r\n\r\n`),
  refused('chunks and length', `${CHUNKED}Content-Length: 5\r\n\r\n${CHUNK}0\r\n\r\n`),
  cut('too large a length and the end', `${OK}Content-Length: 6\r\n\r\n${BODY}`),
  cut('too large a length and a reset', `${OK}Content-Length: 6\r\n\r\n${BODY}`, {
    afterwards: 'reset',
    expected: '502 or cut',
  }),
  cut('too large a length and nothing more', `${OK}Content-Length: 6\r\n\r\n${BODY}`, { afterwards: 'stay' }),
  cut('the greatest length there is', `${OK}Content-Length: 9007199254740991\r\n\r\n${BODY}`),
  passedOn('chunks', `${CHUNKED}\r\n${CHUNK}0\r\n\r\n`),
  passedOn('Chunked', `${OK}Transfer-Encoding: Chunked\r\n\r\n${CHUNK}0\r\n\r\n`),
  passedOn('chunks to HTTP/1.0', `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}0\r\n\r\n`),
  passedOn('chunks and trailers', `${CHUNKED}Trailer: X\r\n\r\n${CHUNK}0\r\nX: y\r\n\r\n`),
  passedOn('chunks and a trailer that nobody announced', `${CHUNKED}\r\n${CHUNK}0\r\nX: y\r\n\r\n`),
  // Trailers end here.
  passedOn('chunks and a length as trailer', `${CHUNKED}\r\n${CHUNK}0\r\nContent-Length: 9\r\n\r\n`, {
    expected: 'cut or 200',
  }),
  passedOn('a chunk with an extension', `${CHUNKED}\r\n5;a=b\r\nhello\r\n0\r\n\r\n`),
  passedOn('chunks and more behind them', `${CHUNKED}\r\n${CHUNK}0\r\n\r\nmore`),
  refused('gzip', `${OK}Transfer-Encoding: gzip\r\n\r\n${BODY}`),
  refused('gzip in chunks', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNK}0\r\n\r\n`),
  refused('chunks in gzip', `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n${CHUNK}0\r\n\r\n`),
  refused('identity', `${OK}Transfer-Encoding: identity\r\n\r\n${BODY}`),
  refused('xchunked', `${OK}Transfer-Encoding: xchunked\r\n\r\n${CHUNK}0\r\n\r\n`),
  ...['z', '-1', '5 x', '0x5', 'ffffffffffffffffff', ''].map((size) =>
    cut(`a chunk of the size ${JSON.stringify(size)}`, `${CHUNKED}\r\n${size}\r\nhello\r\n0\r\n\r\n`),
  ),
  passedOn('a chunk without its end', `${CHUNKED}\r\n5\r\nhelloXX0\r\n\r\n`, { expected: 'cut or 200' }),
  cut('chunks without the last', `${CHUNKED}\r\n${CHUNK}`),
  cut('chunks without the last, and nothing more', `${CHUNKED}\r\n${CHUNK}`, { afterwards: 'stay' }),
  cut('a size without end', endlessly(`${CHUNKED}\r\n`, '5'.repeat(1_000), 1)),
  cut('an extension without end', endlessly(`${CHUNKED}\r\n5;`, 'a'.repeat(4_096), 1), {
    isEndless: !BOUNDS_EXTENSIONS,
  }),
  cut('trailers without end', endlessly(`${CHUNKED}\r\n${CHUNK}0\r\n`, 'A: b\r\n'.repeat(500), 1)),
];

const BODILESS: readonly AnswerCase[] = [
  passedOn('HEAD with a length and a body', `${SIZED}\r\n${BODY}`, { method: 'HEAD', body: '' }),
  passedOn('HEAD in chunks', `${CHUNKED}\r\n${CHUNK}0\r\n\r\n`, { method: 'HEAD', body: '' }),
  passedOn('204 with a length and a body', `HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n${BODY}`, {
    expected: 204,
    body: '',
  }),
  passedOn('204 in chunks', `HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}0\r\n\r\n`, {
    expected: 204,
    body: '',
  }),
  passedOn('304 with a length and a body', `HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n${BODY}`, {
    expected: 304,
    body: '',
  }),
  passedOn('205 with a body', `HTTP/1.1 205 X\r\nContent-Length: 5\r\n\r\n${BODY}`, { expected: 205 }),
  passedOn('an empty body', `${OK}Content-Length: 0\r\n\r\n`, { body: '' }),
  passedOn('an answer whose destination never ends', `${SIZED}\r\n${BODY}`, { afterwards: 'hold' }),
  passedOn(
    'an answer after 200 ms',
    (socket) => {
      setTimeout(() => socket.end(`${SIZED}\r\n${BODY}`), 200);
    },
    { body: BODY },
  ),
  passedOn('POST', `${SIZED}\r\n${BODY}`, { method: 'POST' }),
];

const NO_HTTP: readonly AnswerCase[] = [
  ...[
    '',
    'H',
    'HTTP',
    'HTTP/1.1',
    'SSH-2.0-OpenSSH_10\r\n',
    '220 mail ESMTP\r\n',
    '\x15\x03\x01\x00\x02\x02\x46',
    BODY,
  ].map((text) => refused(`${JSON.stringify(text)} and the end`, text)),
  refused('nothing', '', { afterwards: 'stay', expected: 504 }),
  refused('a reset', '', { afterwards: 'reset' }),
  refused('another protocol', `ICY 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`),
  passedOn('HTTP/2.0', `HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`),
  refused('HTTP/1.9', `HTTP/1.9 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`),
  refused('http/1.1', `http/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`),
  passedOn('HTTP/1.0', `HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`),
  passedOn('empty lines before it', `\r\n\r\n${SIZED}\r\n${BODY}`),
  refused('a space before it', ` ${SIZED}\r\n${BODY}`),
  refused('an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  refused('64 KiB of zeros', '\x00'.repeat(65_536)),
  refused(
    'a head, one byte every 20 ms',
    (socket) => {
      const bytes = [...`${SIZED}A: ${'b'.repeat(10_000)}`];
      const timer = setInterval(() => socket.write(bytes.shift() ?? 'b'), 20);
      socket.once('close', () => clearInterval(timer));
    },
    { expected: 504 },
  ),
  ...Array.from({ length: 16 }, (_, seed) => refused(`random bytes ${seed}`, randomBytes(seed + 1, 300))),
];

const BROKEN_OFF: readonly AnswerCase[] = Array.from(
  { length: WHOLE_HEAD.length + BODY.length },
  (_, length) => {
    const text = `${WHOLE_HEAD}${BODY}`.slice(0, length);
    const afterwards = length % 2 === 0 ? 'end' : 'reset';
    const afterHead = afterwards === 'end' ? 'cut' : '502 or cut';
    const expected = length < WHOLE_HEAD.length ? 502 : afterHead;
    return { name: `broken off after ${length} bytes`, raw: text, expected, afterwards };
  },
);

/** More than 200 of them. */
export const ANSWERS: readonly AnswerCase[] = [
  ...[...STATUSES, ...REASONS, ...FIELDS, ...FRAMING],
  ...[...BODILESS, ...NO_HTTP, ...BROKEN_OFF],
];

/** Port 7 echoes the request: what is behind the head of the answer is no HTTP. */
const ECHO = 'http://echo.example:7/';
const HOST = 'Host: x\r\n';
const CLOSE = 'Connection: close\r\n';
const asks = (line: string, fields = HOST, rest = ''): string => `${line}\r\n${fields}${CLOSE}\r\n${rest}`;
const status = (code: number): RegExp => new RegExp(`^HTTP/1\\.1 ${code} `);
/** The echo of a request is no answer: that it got there is what counts. */
const SENT_ON = status(502);
const BAD = status(400);
const HUNG_UP = /^$/;

/** Hostile and odd requests, of programs of this machine and of web pages in its browser. */
export const REQUESTS: readonly RequestCase[] = [
  ...[
    '/',
    '*',
    '//x/',
    'x',
    'http://',
    'http:///',
    'http://:80/',
    'http://h:0/',
    'http://h:99999/',
    'http://h:1:2/',
  ].map((target) => ({ name: `GET ${target}`, raw: asks(`GET ${target} HTTP/1.1`), expected: BAD })),
  ...[
    'ftp://h/',
    'https://h/',
    'http://[::1/',
    'http://[::g]/',
    'http://h\\@x/',
    'http://h%00/',
    'http://a b/',
  ].map((target) => ({ name: `GET ${target}`, raw: asks(`GET ${target} HTTP/1.1`), expected: BAD })),
  ...['', 'x', ':80', 'h:', 'h:0', 'h:65536', 'h:80/', '[::1]', 'http://h:80/', 'u@h:80', 'h:80:80'].map(
    (target) => ({
      name: `CONNECT ${target}`,
      raw: asks(`CONNECT ${target} HTTP/1.1`),
      expected: BAD,
    }),
  ),
  ...['\x00', '\x01', '\x1b', '\x7f', '\n', '\r'].map((character) => ({
    name: `${hex(character)} in a field`,
    raw: asks(`GET ${ECHO} HTTP/1.1`, `${HOST}A: b${character}c\r\n`),
    expected: /^HTTP\/1\.1 (?:400|502) /,
  })),
  ...['get', 'FOO', 'PRI', 'G\x00T', ''].map((method) => ({
    name: `method ${JSON.stringify(method)}`,
    raw: asks(`${method} ${ECHO} HTTP/1.1`),
    expected: BAD,
  })),
  ...['TRACE', 'PROPFIND', 'DELETE', 'OPTIONS', 'PURGE'].map((method) => ({
    name: `method ${method}`,
    raw: asks(`${method} ${ECHO} HTTP/1.1`),
    expected: SENT_ON,
  })),
  { name: 'HTTP/2.0', raw: asks(`GET ${ECHO} HTTP/2.0`), expected: SENT_ON },
  ...['HTTP/1.9', 'HTTP/9', 'http/1.1', 'X/1.1'].map((version) => ({
    name: version,
    raw: asks(`GET ${ECHO} ${version}`),
    expected: BAD,
  })),
  // No circle: what goes on is in origin form, which is for no proxy.
  {
    name: 'a request to the proxy itself',
    raw: asks('GET http://self.example:80/ HTTP/1.1'),
    expected: /^HTTP\/1\.1 400 .*this is a proxy/s,
  },
  { name: 'HTTP/1.0', raw: asks(`GET ${ECHO} HTTP/1.0`), expected: SENT_ON },
  { name: 'HTTP/0.9', raw: `GET ${ECHO}\r\n`, expected: status(408) },
  { name: 'no Host', raw: asks(`GET ${ECHO} HTTP/1.1`, ''), expected: BAD },
  { name: 'two Hosts', raw: asks(`GET ${ECHO} HTTP/1.1`, HOST + HOST), expected: /^HTTP\/1\.1 (?:400|502) / },
  {
    name: 'TRAILER with a length',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Trailer: X\r\nContent-Length: 2\r\n`, 'ab'),
    expected: SENT_ON,
  },
  {
    name: 'chunks and trailers',
    raw: asks(
      `POST ${ECHO} HTTP/1.1`,
      `${HOST}Trailer: X\r\nTransfer-Encoding: chunked\r\n`,
      '1\r\na\r\n0\r\nX: y\r\n\r\n',
    ),
    expected: SENT_ON,
  },
  {
    name: 'length and chunks',
    raw: asks(
      `POST ${ECHO} HTTP/1.1`,
      `${HOST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n`,
      '1\r\na\r\n0\r\n\r\n',
    ),
    expected: BAD,
  },
  {
    name: 'two lengths',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Content-Length: 2\r\nContent-Length: 3\r\n`, 'abc'),
    expected: BAD,
  },
  ...['-1', '+2', '2x', '', '99999999999999999999'].map((length) => ({
    name: `a length of ${JSON.stringify(length)}`,
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Content-Length: ${length}\r\n`, 'ab'),
    expected: BAD,
  })),
  {
    name: 'a chunk that is none',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Transfer-Encoding: chunked\r\n`, 'zz\r\nab\r\n'),
    expected: /^(?:HTTP\/1\.1 (?:400|502) |$)/,
  },
  {
    name: 'gzip in chunks',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Transfer-Encoding: gzip, chunked\r\n`, '1\r\na\r\n0\r\n\r\n'),
    expected: SENT_ON,
  },
  {
    name: 'Expect: 100-continue',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n`, 'ab'),
    expected: /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 502 /,
  },
  {
    name: 'Expect: something',
    raw: asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Expect: x\r\nContent-Length: 2\r\n`, 'ab'),
    expected: status(417),
  },
  {
    name: 'Upgrade: websocket',
    raw: `GET ${ECHO} HTTP/1.1\r\n${HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    expected: SENT_ON,
  },
  {
    name: 'Upgrade: h2c',
    raw: `GET ${ECHO} HTTP/1.1\r\n${HOST}Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n`,
    expected: SENT_ON,
  },
  {
    name: 'a folded field',
    raw: asks(`GET ${ECHO} HTTP/1.1`, `${HOST}A: b\r\n c\r\n`),
    expected: /^HTTP\/1\.1 (?:400|502) /,
  },
  { name: 'a space before the colon', raw: asks(`GET ${ECHO} HTTP/1.1`, `${HOST}A : b\r\n`), expected: BAD },
  {
    name: 'a head of 40 KiB',
    raw: asks(`GET ${ECHO} HTTP/1.1`, `${HOST}A: ${'b'.repeat(40_960)}\r\n`),
    expected: status(431),
  },
  {
    name: 'a target of 40 KiB',
    raw: asks(`GET ${ECHO}${'x'.repeat(40_960)} HTTP/1.1`),
    expected: status(431),
  },
  {
    name: '5,000 fields',
    raw: asks(`GET ${ECHO} HTTP/1.1`, `${HOST}${'A:b\r\n'.repeat(5_000)}`),
    expected: SENT_ON,
  },
  {
    name: 'fields without end',
    raw: endlessly(`GET ${ECHO} HTTP/1.1\r\n`, 'A: b\r\n'.repeat(200), 1),
    // Whichever bound is reached first.
    expected: /^(?:HTTP\/1\.1 (?:431|408) |$)/,
  },
  {
    name: 'a head, one byte every 20 ms',
    raw: endlessly(`GET ${ECHO} HTTP/1.1\r\nA: `, 'b', 20),
    expected: status(408),
  },
  { name: 'nothing', raw: '', expected: /^(?:HTTP\/1\.1 408 |$)/ },
  {
    name: 'half a body',
    raw: (socket) => socket.end(asks(`POST ${ECHO} HTTP/1.1`, `${HOST}Content-Length: 9\r\n`, 'ab')),
    expected: /^(?:HTTP\/1\.1 (?:400|502) |$)/,
  },
  {
    name: 'half a body, and nothing more',
    raw: asks(`POST http://hostile.example:7/ HTTP/1.1`, `${HOST}Content-Length: 9\r\n`, 'ab'),
    expected: /^HTTP\/1\.1 50[24] /,
  },
  { name: '40 at once', raw: `GET ${ECHO} HTTP/1.1\r\n${HOST}\r\n`.repeat(40), expected: /^/ },
  {
    name: 'CONNECT behind a request',
    raw: `GET ${ECHO} HTTP/1.1\r\n${HOST}\r\nCONNECT h:7 HTTP/1.1\r\n${HOST}\r\n`,
    expected: HUNG_UP,
  },
  {
    name: 'CONNECT with a body',
    raw: (socket) => socket.end(`CONNECT h:7 HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`),
    expected: /^HTTP\/1\.1 200 Connection established\r\n\r\nhello$/,
  },
  { name: 'a TLS ClientHello', raw: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', expected: BAD },
  { name: 'SOCKS5', raw: '\x05\x01\x00', expected: BAD },
  {
    name: 'the PROXY protocol',
    raw: 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET / HTTP/1.1\r\n\r\n',
    expected: BAD,
  },
  ...Array.from({ length: 16 }, (_, seed) => ({
    name: `random bytes ${seed}`,
    raw: randomBytes(seed + 100, 300),
    expected: BAD,
  })),
];
