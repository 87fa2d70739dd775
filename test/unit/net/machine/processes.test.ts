import { expect, test } from 'vitest';
import { remoteEndpoints } from '../../../../src/net/machine/processes.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (remote: string, state: string, inode: number): string =>
  `   0: 0100007F:A1B2 ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 20 4 30 10 -1`;
const endpoints = (...lines: string[]) =>
  remoteEndpoints([HEADER, ...lines, ''].join('\n'), new Set(['7', '8']));

test('connections of these sockets only, in both families', () => {
  expect(
    endpoints(
      line('016433C6:08AE', '01', 7),
      line('016433C6:0016', '01', 9),
      line('B80D0120000000000000000001000000:01BB', '02', 8),
      line('0000000000000000FFFF0000016433C6:0016', '01', 8),
    ),
  ).toEqual([
    { family: 4, address: '198.51.100.1', port: 2222 },
    { family: 6, address: '2001:db8::1', port: 443 },
    { family: 4, address: '198.51.100.1', port: 22 },
  ]);
});

test('neither listeners nor what is closing', () => {
  expect(endpoints(line('00000000:0000', '0A', 7), line('016433C6:0016', '06', 7), 'nonsense')).toEqual([]);
});
