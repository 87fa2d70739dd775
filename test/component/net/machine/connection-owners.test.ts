import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import { ConnectionOwners } from '../../../../src/net/machine/connection-owners/connection-owners.ts';
import { PROC } from '../../../../src/net/machine/connection-owners/proc-folder.ts';
import { hasNativeLibrary } from '../../../../src/net/native/library.ts';
import { openSocketDiag } from '../../../../src/net/native/netlink/socket-diag.ts';
import { Child } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';

const CONNECT = `const { connect } = require('node:net');
  process.title = 'holder';
  connect(Number(process.argv[1]), process.argv[2]).on('connect', function () { console.log(this.localPort); });`;

/** Asked of the kernel alone, where there is a library for it; and as without one, by its tables. */
const WAYS = {
  kernel: {
    openKernel: openSocketDiag,
    proc: hasNativeLibrary() ? { ...PROC, longText: () => Promise.resolve('') } : PROC,
  },
  tables: {
    openKernel: () => {
      throw new Error('there is no koffi');
    },
    proc: PROC,
  },
};

test.each([
  ['kernel', '127.0.0.1'],
  ['kernel', '::ffff:127.0.0.1'],
  ['tables', '127.0.0.1'],
  ['tables', '::ffff:127.0.0.1'],
] as const)(
  'a child that holds a connection is found by the %s, to %s, and not any more when it has ended',
  async (way, host) => {
    // What the child connects to is open as long as this process wants, as a flow is.
    const accepted: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket.on('error', () => {}));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { readonly port: number };
    const child = new Child(['node', '-e', CONNECT, String(port), host]);
    const owners = new ConnectionOwners([], {
      ...WAYS[way],
      ownAddresses: () => [],
      userId: process.geteuid!(),
      nowMs: () => performance.now(),
    });
    try {
      await child.untilOutput(/^\d+$/m, 10_000);
      const local = makeEndpoint('127.0.0.1', Number(child.stdout))!;
      const remote = makeEndpoint('127.0.0.1', port)!;
      await until(async () => (await owners.look([{ local, remote }]))[0]?.kind !== 'unknown', {
        deadlineMs: 10_000,
        what: 'the child among all processes',
      });
      expect(await owners.look([{ local, remote }])).toEqual([
        { kind: 'program', name: 'holder', pid: child.pid },
      ]);
      child.kill('SIGKILL');
      await child.exited;
      expect(await owners.look([{ local, remote }])).toEqual([{ kind: 'ended' }]);
    } finally {
      child.kill('SIGKILL');
      await child.exited;
      owners.close();
      for (const socket of accepted) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  },
);
