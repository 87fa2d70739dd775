import { expect, test, vi } from 'vitest';
import { RefusalLines } from '../../../../src/ssh/openssh/refusal-lines.ts';

test('a reason is given to whoever was refused', async () => {
  const lines = new RefusalLines();
  expect(lines.onLine('channel 4: open failed: connect failed: Connection refused')).toBe(true);
  expect(await lines.next()).toEqual({
    kind: 'refused',
    reason: 'connect-failed',
    description: 'Connection refused',
  });
  // Nothing is told twice.
  expect(await lines.next()).toMatchObject({ reason: 'other', description: 'ssh does not say why' });
});

test('a line that comes late is waited for', async () => {
  const lines = new RefusalLines();
  const refusal = lines.next();
  lines.onLine('channel 5: open failed: administratively prohibited: open failed');
  expect(await refusal).toMatchObject({ reason: 'prohibited' });
});

test('several at once for one reason have that, for different ones have all', async () => {
  const lines = new RefusalLines();
  lines.onLine('channel 1: open failed: administratively prohibited: open failed');
  lines.onLine('channel 2: open failed: administratively prohibited: open failed');
  expect((await lines.next()).reason).toBe('prohibited');
  lines.onLine('channel 3: open failed: connect failed: No route to host');
  const both = await Promise.all([lines.next(), lines.next()]);
  for (const refusal of both) {
    expect(refusal).toMatchObject({ reason: 'other', description: 'one of: open failed; No route to host' });
  }
});

test('a line of a connection that was given up is no reason for what fails later', async () => {
  const lines = new RefusalLines();
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  lines.onLine('channel 1: open failed: administratively prohibited: open failed');
  now.mockReturnValue(60_000);
  lines.onLine('channel 2: open failed: connect failed: Connection refused');
  expect(await lines.next()).toMatchObject({ reason: 'connect-failed', description: 'Connection refused' });
  now.mockRestore();
});

test('that there was no session is no reason for a flow', async () => {
  const lines = new RefusalLines();
  expect(lines.onLine('channel 2: open failed: connect failed: open failed')).toBe(true);
  expect(await lines.next()).toMatchObject({ description: 'ssh does not say why' });
});

test('other lines are none', () => {
  expect(new RefusalLines().onLine('bind [127.0.0.1]:5432: Address already in use')).toBe(false);
});
