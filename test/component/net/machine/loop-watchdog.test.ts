import { generateKeyPairSync, pbkdf2 } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { inLongTurn, watchLoop } from '../../../../src/net/machine/loop-watchdog.ts';
import { ThreadTimer } from '../../../../src/net/native/thread-timer.ts';
import { decryptPrivateKey } from '../../../../src/ssh/keys/private-key.ts';

const AFTER_MS = 400;

/** What the timers were told, instead of being started: this process is not to be ended. */
const told: string[] = [];
const timerOf = (signal: string): ThreadTimer =>
  ({
    start: (afterMs: number, everyMs = 0) => told.push(`${signal} ${afterMs} ${everyMs}`),
    stop: () => told.push(`${signal} stop`),
  }) as unknown as ThreadTimer;

afterEach(() => {
  told.length = 0;
});

test('the loop that turns puts off the end, and nothing is counted while a passphrase is tried', async () => {
  const create = vi.spyOn(ThreadTimer, 'create').mockImplementation(timerOf);
  watchLoop();
  create.mockRestore();
  expect(told.splice(0)).toEqual(['SIGVTALRM 5000 0', 'SIGURG 1000 1000']);
  watchLoop();
  expect(told).toEqual([]);

  process.kill(process.pid, 'SIGURG');
  await once(process, 'SIGURG');
  expect(told.splice(0)).toEqual(['SIGVTALRM 5000 0']);

  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  decryptPrivateKey(privateKey, 'x');
  expect(told.splice(0)).toEqual(['SIGVTALRM stop', 'SIGVTALRM 5000 0']);
  expect(() => decryptPrivateKey(privateKey, 'y')).toThrow();
  expect(told.splice(0)).toEqual(['SIGVTALRM stop', 'SIGVTALRM 5000 0']);
  expect(inLongTurn(() => told.splice(0))).toEqual(['SIGVTALRM stop']);
});

test('a timer counts the time of this thread on a processor, and no other', async () => {
  const timer = ThreadTimer.create('SIGURG')!;
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
  };
  process.on('SIGURG', onSignal);
  try {
    timer.start(AFTER_MS, AFTER_MS);
    const before = cpuMs();
    // In another thread.
    while (cpuMs() < before + 2 * AFTER_MS) await promisify(pbkdf2)('a', 'b', 500_000, 64, 'sha512');
    expect(signals).toBe(0);
    for (const end = cpuMs() + 2 * AFTER_MS; cpuMs() < end; );
    await vi.waitFor(() => expect(signals).toBeGreaterThan(0), { timeout: 5_000 });
  } finally {
    timer.stop();
    process.removeListener('SIGURG', onSignal);
  }
});

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
