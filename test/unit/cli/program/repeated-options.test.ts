import { expect, test } from 'vitest';
import { repeatedOptions } from '../../../../src/cli/program/repeated-options.ts';
import { collectArgumentWords } from '../../../../src/config/parse/argument-words.ts';
import { renderProblem } from '../../../../src/core/problem.ts';

function repeated(line: string, environment?: string): readonly string[] {
  const file = { kind: 'text', text: '-r file\n--on-down hold' } as const;
  const variable = environment === undefined ? undefined : { name: 'TSHUTTLE_ARGS', text: environment };
  const from = { environment: variable, arguments: line.split(' '), leading: 0 };
  return repeatedOptions(collectArgumentWords(from, () => file).sources).map(renderProblem);
}

test.each([
  ['-r me:hush@a --remote me:hush@b 0/0', '-r: is given twice: me:***@a, me:***@b; only one can count'],
  ['-ra -r b -rc 0/0', '-r: is given 3 times: a, b, c; only one can count'],
  ['-r me@corp:hush@a -r b 0/0', '-r: is given twice: me@corp:***@a, b; only one can count'],
  ['-r me:hush -r me@b 0/0', '-r: is given twice: me:***, me@b; only one can count'],
  ['run -r a -r b 0/0 -- psql -r c', '-r: is given twice: a, b; only one can count'],
  [
    '--upstream-proxy socks5://u:p@h -r a --upstream-proxy http://x',
    '--upstream-proxy: is given twice: socks5://u:***@h, http://x; only one can count',
  ],
  [
    '--openstack --openstack cloud -r a',
    '--openstack: is given twice: without a value, cloud; only one can count',
  ],
])('%s', (line, said) => {
  expect(repeated(line)).toEqual([said]);
});

test('the same value twice, options that collect, and what overrides a file or TSHUTTLE_ARGS are fine', () => {
  expect(repeated('-r a -r a -x 1.1.1.1 -x 2.2.2.2 -v -v 0/0')).toEqual([]);
  expect(repeated('@file -r other --on-down exit', '-r third @file')).toEqual([]);
});
