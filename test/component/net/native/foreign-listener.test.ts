import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descriptorOf } from '../../../../src/net/native/descriptor.ts';
import {
  listeningSocketOf,
  withDescriptorOf,
} from '../../../../src/net/native/transparent/foreign-listener.ts';

/** Our own process stands for another one: the kernel lets nobody but root look into those. */
describe.runIf(process.platform === 'linux')('a descriptor of another process', () => {
  it('is copied for as long as it is used, and told for what it is', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    const port = await new Promise<number>((resolve) => {
      server.listen({ host: '::1', port: 0, ipv6Only: true }, () => {
        const address = server.address();
        resolve(typeof address === 'object' ? address!.port : 0);
      });
    });
    let copied = -1;
    const found = withDescriptorOf(process.pid, descriptorOf(server)!, (copy) => {
      copied = copy;
      return listeningSocketOf(copy);
    });
    expect(found).toEqual({ family: 6, port });
    expect(listeningSocketOf(copied), 'closed again').toBeUndefined();
    expect(server.listening).toBe(true);
  });

  it('is no listener where it is something else, and refused where there is none', () => {
    expect(withDescriptorOf(process.pid, 1, listeningSocketOf)).toBeUndefined();
    expect(() => withDescriptorOf(process.pid, 999_999, listeningSocketOf)).toThrow(
      /pidfd_getfd failed with errno 9/,
    );
    expect(() => withDescriptorOf(2 ** 30, 1, listeningSocketOf)).toThrow(/pidfd_open failed/);
  });
});
