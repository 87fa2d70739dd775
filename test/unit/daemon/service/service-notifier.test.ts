import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceNotifier } from '../../../../src/daemon/service/service-notifier.ts';

describe('ServiceNotifier', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const take = (environment: Record<string, string | undefined>) => {
    const told: string[] = [];
    const send = (path: string, text: string): void => void told.push(`${path} ${text}`);
    return { notifier: ServiceNotifier.fromEnvironment(environment, { pid: 42, send }), told };
  };

  it('is there for systemd only, and leaves nothing in the environment', () => {
    expect(take({ PATH: '/bin' }).notifier).toBeUndefined();
    expect(take({ NOTIFY_SOCKET: 'vsock:2:1234' }).notifier).toBeUndefined();
    const environment = { NOTIFY_SOCKET: '@notify', WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH: '/bin' };
    expect(take(environment).notifier).toBeDefined();
    expect(environment).toEqual({ PATH: '/bin' });
  });

  it('tells when it is ready, in one line, and when it ends', () => {
    const { notifier, told } = take({ NOTIFY_SOCKET: '/run/notify' });
    notifier!.ready('capturing 10.0.0.0/8\nREADY=0');
    notifier!.stopping();
    expect(told).toEqual([
      '/run/notify READY=1\nSTATUS=capturing 10.0.0.0/8 READY=0',
      '/run/notify STOPPING=1',
    ]);
  });

  it('tells twice in each interval of the watchdog that it still runs, where the watchdog is for it', () => {
    const watched = take({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' });
    const other = take({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '43' });
    vi.advanceTimersByTime(60_000);
    expect(watched.told).toEqual(Array.from({ length: 4 }, () => '/n WATCHDOG=1'));
    expect(other.told).toEqual([]);
    watched.notifier!.close();
    vi.advanceTimersByTime(60_000);
    expect(watched.told).toHaveLength(4);
  });

  it('fails at nothing when nobody listens', () => {
    const send = (): never => {
      throw new Error('sendto failed');
    };
    const notifier = ServiceNotifier.fromEnvironment({ NOTIFY_SOCKET: '/n' }, { pid: 42, send });
    expect(() => notifier!.ready('up')).not.toThrow();
  });
});
