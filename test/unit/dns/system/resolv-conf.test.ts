import { describe, expect, it } from 'vitest';
import { nameserversOfFiles, parseNameservers } from '../../../../src/dns/system/resolv-conf.ts';

const addresses = (readText: (path: string) => string) =>
  nameserversOfFiles(readText).map(({ address }) => address);

describe('the resolvers of this machine', () => {
  it('are those of nameserver lines, each once, without comments', () => {
    const text =
      '# nameserver 9.9.9.9\nnameserver 192.0.2.1\nsearch a\nnameserver 192.0.2.1 # twice\nnameserver FE80:0::1%eth0\nnameserver x\n';
    expect(parseNameservers(text)).toEqual([
      { address: '192.0.2.1', scope: undefined },
      { address: 'fe80::1', scope: 'eth0' },
    ]);
  });

  it('are this machine where none is named', () => {
    expect(addresses(() => '')).toEqual(['127.0.0.1']);
  });

  it('are those behind the stub of systemd-resolved as well, and only then', () => {
    const files: Record<string, string> = {
      '/etc/resolv.conf': 'nameserver 127.0.0.53\noptions edns0\n',
      '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.1\n',
    };
    expect(addresses((path) => files[path] ?? '')).toEqual(['127.0.0.53', '192.0.2.1']);
    files['/etc/resolv.conf'] = 'nameserver 10.0.0.1\n';
    expect(addresses((path) => files[path] ?? '')).toEqual(['10.0.0.1']);
  });
});
