import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { HolderReply } from '../../../../../src/net/machine/namespace/namespace-protocol.ts';
import { skipIsolated } from '../../../../support/lab/requirements.ts';

const HOLDER = fileURLToPath(new URL('../../../../../bin/tshuttle-namespace', import.meta.url));

describe.skipIf(skipIsolated)('the process that holds a network namespace', () => {
  it('ends what is inside also when it ends by an error that nobody has caught', async () => {
    const bug = 'process.on("SIGUSR2", () => { throw new Error("planted"); });';
    const node = [process.execPath, `--import=data:text/javascript,${encodeURIComponent(bug)}`, HOLDER];
    const unshare = ['--user', '--map-root-user', '--net', '--mount', '--'];
    const holder = spawn('unshare', [...unshare, ...node], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    try {
      let complaints = '';
      holder.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
      holder.send({ id: 1, prepare: true, ipv6: false, ownCopies: [] });
      const [reply] = (await once(holder, 'message')) as [HolderReply];
      expect(reply).toEqual({ id: 1, answer: { kind: 'done' } });
      const enter = ['--target', String(holder.pid), '--user', '--net', '--preserve-credentials', '--'];
      const inside = spawn('nsenter', [...enter, 'sh', '-c', 'echo ready; exec sleep 600'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(inside.stdout, 'data');
      const ends = Promise.all([once(inside, 'exit'), once(holder, 'exit')]);
      holder.kill('SIGUSR2');
      const [[, signal], [code]] = (await ends) as [[number | null, string | null], [number | null]];
      expect([signal, code]).toEqual(['SIGTERM', 70]);
      expect(complaints).toMatch(/Error: planted\n\s+at /);
    } finally {
      holder.kill('SIGKILL');
    }
  });
});
