import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { expectNoForcedCommand } from '../../../../src/ssh/ssh2/forced-command.ts';

type Arguments = Parameters<typeof expectNoForcedCommand>;

it('leaves nothing at the connection, however often it is asked', async () => {
  const client = new EventEmitter();
  const mux = { wire: { ping: (onReply: () => void) => void setImmediate(onReply) } } as Arguments[0];
  const bastion = { client, keyOptions: () => [] } as unknown as Arguments[1];
  await expectNoForcedCommand(mux, bastion);
  expect(client.listenerCount('close')).toBe(0);
  const waits = expectNoForcedCommand(mux, bastion);
  client.emit('close');
  await expect(waits).rejects.toThrow('the connection ended');
});
