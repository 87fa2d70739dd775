import { expect, test } from 'vitest';
import { bastionsOfOneSource, repeatedOptions } from '../../../../src/cli/program/repeated-options.ts';
import { collectArgumentWords } from '../../../../src/config/parse/argument-words.ts';
import { renderProblem } from '../../../../src/core/problem.ts';

function repeated(line: string, environment?: string): readonly string[] {
  const file = { kind: 'text', text: '-r file\n--on-down hold' } as const;
  const variable = environment === undefined ? undefined : { name: 'TSHUTTLE_ARGS', text: environment };
  const from = { environment: variable, arguments: line.split(' '), leading: 0 };
  return repeatedOptions(collectArgumentWords(from, () => file).sources).map(renderProblem);
}

test.each([
  ['-J me@a --jump me@b 0/0', '-J: is given twice: me@a, me@b; only one can count'],
  ['-Ja -J b -Jc 0/0', '-J: is given 3 times: a, b, c; only one can count'],
  ['run -J a -J b 0/0 -- psql -J c', '-J: is given twice: a, b; only one can count'],
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

test.each([
  ['-r a -r b', undefined, ['a', 'b']],
  ['-r a -r b', '-r c -r d', ['a', 'b']],
  ['0/0', '-r c -r d', ['c', 'd']],
  ['@file 0/0', '-r c', ['file']],
  ['@file -r a -r b', '-r c', ['a', 'b']],
])('the bastions of %s and TSHUTTLE_ARGS %s are those of one source', (line, environment, bastions) => {
  const file = { kind: 'text', text: '-r file' } as const;
  const variable = environment === undefined ? undefined : { name: 'TSHUTTLE_ARGS', text: environment };
  const from = { environment: variable, arguments: line.split(' '), leading: 0 };
  const { words, sources } = collectArgumentWords(from, () => file);
  const all = words.filter((_word, index) => words[index - 1] === '-r');
  expect(bastionsOfOneSource(sources, all)).toEqual(bastions);
});
