import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { readKernelFile } from '../../../../src/core/files/kernel-file.ts';

/** Lines of 150 bytes each, of which a page of the kernel's has 27. */
const LISTENERS = 100;

test.skipIf(!existsSync('/proc/net/tcp'))('a file without a size is read to its end', async () => {
  const servers = await Promise.all(
    Array.from({ length: LISTENERS }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return server;
    }),
  );
  const text = await readKernelFile('/proc/net/tcp');
  const missing = servers
    .map((server) => (server.address() as AddressInfo).port.toString(16).toUpperCase().padStart(4, '0'))
    .filter((port) => !text.includes(` 0100007F:${port} `));
  for (const server of servers) server.close();
  expect(missing).toEqual([]);
});

test('what is not there, or cannot be read, is empty', async () => {
  expect(await readKernelFile('/proc/none')).toBe('');
  expect(await readKernelFile('/')).toBe('');
});
