import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descriptorOf } from '../../../../src/net/native/descriptors/descriptor.ts';
import { listeningSocketOf, withProcess } from '../../../../src/net/native/transparent/foreign-listener.ts';

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
    const found = withProcess(process.pid, (held) =>
      held.withDescriptor(descriptorOf(server)!, (copy) => {
        copied = copy;
        return listeningSocketOf(copy);
      }),
    );
    expect(found).toEqual({ family: 6, port });
    expect(listeningSocketOf(copied), 'closed again').toBeUndefined();
    expect(server.listening).toBe(true);
  });

  it('is no listener where it is something else, and refused where there is none', () => {
    withProcess(process.pid, (held) => {
      expect(held.withDescriptor(1, listeningSocketOf)).toBeUndefined();
      expect(() => held.withDescriptor(999_999, listeningSocketOf)).toThrow('pidfd_getfd EBADF');
    });
    expect(() => withProcess(2 ** 30, () => {})).toThrow(/^pidfd_open E/);
  });

  it('is refused once its process has ended, whoever has the number then', () => {
    const child = spawn('sleep', ['60'], { stdio: 'inherit' });
    onTestFinished(() => void child.kill('SIGKILL'));
    withProcess(child.pid!, (held) => {
      expect(held.withDescriptor(1, listeningSocketOf)).toBeUndefined();
      child.kill('SIGKILL');
      while (!/^State:\s+Z/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')));
      expect(() => held.withDescriptor(1, listeningSocketOf)).toThrow(/^pidfd_getfd E/);
    });
  });
});
