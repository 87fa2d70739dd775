import { describe, expect, it } from 'vitest';
import { forgetQueries } from '../../../../src/intercept/root/forget-queries.ts';
import type { TrackedExchanges } from '../../../../src/net/native/netlink/conntrack.ts';

const redirect = (...ports: readonly number[]) => ({
  redirects: ports.map((port, index) => ({ nameserver: `192.0.2.${index + 1}`, port })),
  exemptPorts: [],
});

function forgotten(...[before, now]: Parameters<typeof forgetQueries>): TrackedExchanges[] {
  const all: TrackedExchanges[] = [];
  forgetQueries(before, now, (exchanges) => all.push(exchanges));
  return all;
}

describe('forgetQueries', () => {
  const answered = (address: string) => ({ address, port: 53, answeredOnly: true });
  const all = (address: string) => ({ address, port: 53, answeredOnly: false });

  it('lets in what the nameservers of new redirects have still to answer', () => {
    expect(forgotten(null, redirect(7001, 7002))).toEqual([answered('192.0.2.1'), answered('192.0.2.2')]);
  });

  it('leaves nothing of redirects that have ended', () => {
    expect(forgotten(redirect(7001, 7002), null)).toEqual([all('192.0.2.1'), all('192.0.2.2')]);
    expect(forgotten(redirect(7001), redirect(7002))).toEqual([all('192.0.2.1'), answered('192.0.2.1')]);
  });

  it('touches nothing of those that stay as they are', () => {
    expect(forgotten(redirect(7001), redirect(7001, 7002))).toEqual([answered('192.0.2.2')]);
    expect(forgotten(redirect(7001), redirect(7001))).toEqual([]);
    expect(forgotten(null, null)).toEqual([]);
  });

  it('does without where the kernel refuses', () => {
    let count = 0;
    const refuse = (): void => {
      count += 1;
      throw new Error('conntrack refused with errno 95');
    };
    expect(() => forgetQueries(null, redirect(7001, 7002), refuse)).not.toThrow();
    expect(count, 'not asked again').toBe(1);
  });
});
