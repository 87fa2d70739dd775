import { expect, test } from 'vitest';
import { renderFailure, renderProblems } from '../../../../../src/cli/command/report.ts';
import { remedyOf } from '../../../../../src/cli/help/error-pages.ts';
import { TshuttleError } from '../../../../../src/core/errors.ts';

test('an expected failure is its message and what to do, without a stack', () => {
  const failure = new TshuttleError('ERR_BASTION_AUTH', 'no key', {
    remedy: 'give one with -i',
    cause: new Error('x'),
  });
  expect(renderFailure(failure)).toBe('tshuttle: no key -> give one with -i\n');
});

test('a bug is its stack', () => {
  expect(renderFailure(new Error('oops'))).toMatch(
    /^tshuttle: internal error; please report it with these lines:\n {4}Error: oops\n {8}at /,
  );
});

test('failures that came together are all told, one without a remedy with that of its code', () => {
  const both = new AggregateError([
    new TshuttleError('ERR_CLEANUP', 'one', { remedy: 'do this' }),
    new TshuttleError('ERR_LISTEN', 'two'),
  ]);
  const remedy = remedyOf('ERR_LISTEN');
  expect(renderFailure(both)).toBe(`tshuttle: one -> do this\ntshuttle: two -> ${remedy}\n`);
});

test('problems are listed up to a bound, and end with where to read on', () => {
  const problems = Array.from({ length: 22 }, (_, index) => ({
    where: `nets:${index + 1}`,
    what: 'is wrong',
  }));
  const lines = renderProblems(problems, 'ERR_USAGE').split('\n');
  expect(lines[0]).toBe('tshuttle: nets:1: is wrong');
  expect(lines.slice(20)).toEqual(['tshuttle: and 2 more like these', '    how it is used: tshuttle -h', '']);
});

test('how it is used is no help with a wrong file', () => {
  expect(renderProblems([{ where: 'nets:1', what: 'is wrong' }], 'ERR_CONFIG')).toBe(
    'tshuttle: nets:1: is wrong\n',
  );
});
