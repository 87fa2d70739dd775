import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { openAsApplication } from '../../../../src/app/keep-up/open-as-application.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';

const SOCKET = {} as Socket;
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'api.example': ['192.0.2.1', '2001:db8::1'],
  'inner.example': ['192.0.2.9'],
};

/** Opens with these refused. @returns what was tried, and the failure */
async function open(
  host: string,
  refused: readonly string[] = [],
  code: 'ERR_CHANNEL_REFUSED' | 'ERR_BASTION_LOST' = 'ERR_CHANNEL_REFUSED',
) {
  const tried: string[] = [];
  const bastion = async ({
    host: to,
    port,
  }: {
    readonly host: string;
    readonly port: number;
  }): Promise<Socket> => {
    tried.push(`${to} ${port}`);
    if (refused.includes(to)) throw new TshuttleError(code, `no ${to}`);
    return SOCKET;
  };
  const lookUp = async (name: string): Promise<readonly string[]> => {
    const addresses = ADDRESSES[name];
    if (addresses === undefined) throw new Error('not found');
    return addresses;
  };
  const zones = [{ name: 'inner.example', includes: 'itself-and-below' }] as const;
  const { signal } = new AbortController();
  const failure = await openAsApplication(
    { open: bastion },
    zones,
    lookUp,
  )({ host, port: 5000 }, signal).then(
    (socket) => (socket === SOCKET ? undefined : 'another socket'),
    (error: unknown) => (error as Error).message,
  );
  return { tried, failure };
}

test.each<[string, readonly string[], readonly string[], string | undefined]>([
  ['api.example', [], ['192.0.2.1 5000'], undefined],
  ['api.example', ['192.0.2.1'], ['192.0.2.1 5000', '2001:db8::1 5000'], undefined],
  ['api.example', ['192.0.2.1', '2001:db8::1'], ['192.0.2.1 5000', '2001:db8::1 5000'], 'no 192.0.2.1'],
  ['192.0.2.1', [], ['192.0.2.1 5000'], undefined],
  ['inner.example', [], ['inner.example 5000'], undefined],
  ['nobody.example', ['nobody.example'], ['nobody.example 5000'], 'no nobody.example'],
])('%s, of which %j are refused, is tried by %j', async (host, refused, tried, failure) => {
  expect(await open(host, refused)).toEqual({ tried, failure });
});

test('a bastion that is lost is not asked for the next address', async () => {
  expect((await open('api.example', ['192.0.2.1'], 'ERR_BASTION_LOST')).tried).toEqual(['192.0.2.1 5000']);
});
