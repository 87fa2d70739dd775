import { expect, test } from 'vitest';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';
import { openOpensshConnections } from '../../../../src/tunnel/bastion/openssh-connections.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

test('ssh itself, which would dial past the upstream proxy, is not started where there is one', async () => {
  const upstreamProxy = { host: 'proxy.example', port: 1080, user: undefined, password: undefined };
  const remote = {
    host: 'gate',
    user: undefined,
    port: undefined,
    password: undefined,
    identityFiles: [],
    options: [],
    upstreamProxy,
  };
  const dialled: unknown[] = [];
  const opening = openOpensshConnections(
    { proxy: { kind: 'socks5' } } as SshTarget,
    {
      remote,
      transport: { kind: 'auto', controlPath: undefined, carry: 'socks' },
      mayOpenSession: true,
    },
    {
      logger: recordingLogger(),
      signal: new AbortController().signal,
      mayAsk: false,
      lookUp: async () => [],
      beforeDial: async (endpoint) => void dialled.push(endpoint),
    },
  );
  await expect(opening).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    remedy: expect.stringContaining('nc -X 5 -x proxy.example:1080'),
  });
  expect(dialled).toEqual([]);
});
