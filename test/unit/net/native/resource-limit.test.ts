import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { descriptorLimit } from '../../../../src/net/native/resource-limit.ts';

/** As Linux 6 has it. */
const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             63201                63201                processes
Max open files            12345                524288               files
`;

const without = (readText: (path: string) => string) =>
  descriptorLimit({ byCall: () => undefined, readText });

test.runIf(process.platform === 'linux')('without the native library Linux tells the limit in a file', () => {
  expect(without((path) => (path === '/proc/self/limits' ? LIMITS : ''))).toBe(12_345);
  expect(without(() => LIMITS.replace('12345', 'unlimited'))).toBeUndefined();
  expect(
    without(() => {
      throw new Error('no /proc');
    }),
  ).toBeUndefined();
  expect(without((path) => readFileSync(path, 'latin1'))).toBe(descriptorLimit());
});
