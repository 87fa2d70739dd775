import { expect, test } from 'vitest';
import { parseForward } from '../../../../src/config/parse/forward.ts';

const toAbsolute = (path: string): string => path.replace('~', '/home/me').replace(/^(?!\/)/, '/here/');

const port = (address: string, number: number) => ({ kind: 'port', address, port: number }) as const;
const socket = (path: string) => ({ kind: 'socket', path }) as const;
const to = (host: string, number: number) => ({ host, port: number });

// What ssh 9.2's parse_forward makes of the same text (readconf.c), but for the places named in forward.ts.
test.each([
  ['5432:db.internal:5432', port('localhost', 5432), to('db.internal', 5432)],
  ['5432:127.0.0.1:5432', port('localhost', 5432), to('127.0.0.1', 5432)],
  ['  5432:db:1', port('localhost', 5432), to('db', 1)],
  ['5432:db:1:', port('localhost', 5432), to('db', 1)],
  ['[5432]:[db]:[1]', port('localhost', 5432), to('db', 1)],
  ['127.0.0.2:80:db:443', port('127.0.0.2', 80), to('db', 443)],
  ['localhost:80:db:443', port('localhost', 80), to('db', 443)],
  ['*:80:db:443', port('*', 80), to('db', 443)],
  [':80:db:443', port('*', 80), to('db', 443)],
  ['[::1]:80:[2001:db8::1]:443', port('::1', 80), to('2001:db8::1', 443)],
  ['80:[::1]:443', port('localhost', 80), to('::1', 443)],
  ['80:/run/docker.sock', port('localhost', 80), to('/run/docker.sock', 0)],
  ['127.0.0.1:80:/run/a', port('127.0.0.1', 80), to('/run/a', 0)],
  ['/tmp/s:db:5432', socket('/tmp/s'), to('db', 5432)],
  ['~/s:[::1]:5432', socket('/home/me/s'), to('::1', 5432)],
  ['./s:db:5432', socket('/here/./s'), to('db', 5432)],
  ['/tmp/s:/run/a', socket('/tmp/s'), to('/run/a', 0)],
  ['[/tmp/a:b]:/run/a', socket('/tmp/a:b'), to('/run/a', 0)],
  ['/tmp/a\\:b:/run/a\\\\c', socket('/tmp/a:b'), to('/run/a\\c', 0)],
])('%s', (text, listen, destination) => {
  expect(parseForward(text, toAbsolute)).toEqual({ listen, to: destination });
});

test.each([
  ['', 'is not [IP:]PORT:HOST:PORT'],
  ['5432', 'is not [IP:]PORT'],
  ['5432:db', 'is not [IP:]PORT'],
  ['5432:db:', 'is not [IP:]PORT'],
  ['/tmp/s:5432', 'is not [IP:]PORT'],
  ['/tmp/s', 'is not [IP:]PORT'],
  ['1:2:3:4:5', 'is not [IP:]PORT'],
  ['::1:80:db:443', 'is not [IP:]PORT'],
  ['80:[db:443', 'is not [IP:]PORT'],
  ['80:[db]x:443', 'is not [IP:]PORT'],
  ['80:db:443\\', 'is not [IP:]PORT'],
  ['/tmp/s:db:1:2', 'is not [IP:]PORT'],
  ['0:db:1', '0 is no port; write one from 1 to 65535'],
  ['80:db:0', '0 is no port; write one from 1 to 65535'],
  ['http:db:80', 'has http for a port'],
  ['80:db:70000', '70000 is no port; write one from 1 to 65535'],
  ['80:db:1-2', 'takes a single one'],
  ['gate:80:db:443', 'has gate for the address to listen on'],
  ['[fe80::1%eth0]:80:db:443', 'for the address to listen on'],
  ['80::443', 'has nothing for a host'],
  ['80:a b:443', 'has a b for a host'],
  ['80:run/a', 'has the path run/a at the bastion'],
  ['80:/run/%h', 'has %h in a path'],
  [`80:/${'x'.repeat(107)}`, 'more than 107 bytes'],
])('%j is none', (text, what) => {
  expect(parseForward(text, toAbsolute)).toMatchObject({
    kind: 'invalid',
    what: expect.stringContaining(what),
  });
});
