import { expect, test } from 'vitest';
import { LogOutput } from '../../../../src/app/log/log-output.ts';
import { createLoggers, ERRORS_ONLY, logFailure, sinkFor } from '../../../../src/app/log/logging.ts';
import { wantsJson } from '../../../../src/cli/program/wants-json.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';

function record() {
  const lines: string[] = [];
  return { lines, sink: { write: (line: string) => void lines.push(line) } };
}

test.each([
  [ERRORS_ONLY, ['error']],
  [0, ['warn', 'error', 'milestone']],
  [1, ['info', 'warn', 'error', 'milestone']],
  [2, ['debug', 'info', 'warn', 'error', 'milestone']],
  [9, ['debug', 'info', 'warn', 'error', 'milestone']],
])('-v given %i times, and -q as -1', (verbosity, expected) => {
  const { lines, sink } = record();
  const { logger, milestones } = createLoggers(verbosity, sink);
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
  milestones.info('milestone');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(expected);
});

test('fields that sound like secrets are masked', () => {
  const { lines, sink } = record();
  const fields = { password: 'hush', request: { passphrase: 'hush', host: 'h' } };
  createLoggers(0, sink).logger.warn('asked', fields);
  expect(lines[0]).not.toContain('hush');
  expect(JSON.parse(lines[0]!)).toMatchObject({ password: '***', request: { passphrase: '***', host: 'h' } });
});

test('text on a terminal, JSON elsewhere, and what the user has chosen', () => {
  const looks = (format: 'auto' | 'text' | 'json', onTerminal: boolean): boolean => {
    const { lines, sink } = record();
    createLoggers(0, sinkFor(format, sink, { onTerminal })).logger.warn('careful', { port: 1 });
    return lines[0]!.startsWith('{');
  };
  expect([looks('auto', true), looks('auto', false)]).toEqual([false, true]);
  expect([looks('text', false), looks('json', true)]).toEqual([false, true]);
});

test('people read a sentence with its remedy, and the other fields with -vv alone', () => {
  const said = (isDetailed: boolean): readonly string[] => {
    const { lines, sink } = record();
    const { logger } = createLoggers(2, sinkFor('text', sink, { onTerminal: false, isDetailed }), 'office');
    const ending = { destination: '10.0.0.8:5432', originator: '127.0.0.1:4', end: 'eof', bytesUp: 1 };
    logger.info('10.0.0.8:5432 closed after 3.2 s', ending);
    logger.info('refused a SOCKS client: it sent rubbish', { originator: '127.0.0.1:5' });
    logFailure(logger, new TshuttleError('ERR_BASTION_LOST', 'gone', { remedy: 'again' }));
    logFailure(logger, new Error('oops'));
    return lines.map((line) => line.replace(/^\[[\d:]+\] /, ''));
  };
  const [ending, client, failure, bug] = said(false);
  expect([ending, client, failure]).toEqual([
    'INFO: office: 10.0.0.8:5432 closed after 3.2 s\n',
    'INFO: office: refused a SOCKS client: it sent rubbish (from 127.0.0.1:5)\n',
    'ERROR: office: gone -> again\n',
  ]);
  expect(bug).toMatch(/^ERROR: office: internal error \n[\s\S]*Error: oops\n +at /);
  expect(said(true)[0]).toMatch(/^INFO: 10\.0\.0\.8:5432 closed after 3\.2 s \{.*"bytesUp":1/);
});

test.each([
  [['--log-format', 'json', '--nope'], true],
  [['-v', '--nope'], true],
  [['-Dvv', '--nope'], true],
  [['-v', '--log-format', 'text'], false],
  [['run', '-r', 'h', '--', 'cat', '-v'], false],
  [['--nope', '--log-format=json'], true],
  [['--log-format', 'json', '--log-format', 'text'], false],
  [['--log-format'], false],
  [['json'], false],
])('what the words of a wrong command line want: %j', (words, expected) => {
  expect(wantsJson(words, false)).toBe(expected);
  // On a terminal -v is for people.
  if (!words.some((word) => word.includes('json'))) expect(wantsJson(words, true)).toBe(false);
});

test('the output can be moved while loggers hold it', () => {
  const [before, after] = [record(), record()];
  const output = new LogOutput(before.sink);
  const { logger } = createLoggers(0, output);
  logger.warn('one');
  output.moveTo(after.sink);
  logger.warn('two');
  expect([before.lines.length, after.lines.length]).toEqual([1, 1]);
});

test('a failure in the log has its code and remedy, and a bug its stack', () => {
  const { lines, sink } = record();
  const { logger } = createLoggers(0, sink);
  logFailure(logger, new TshuttleError('ERR_BASTION_LOST', 'gone', { remedy: 'again' }));
  logFailure(logger, new Error('oops'));
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'error',
    msg: 'gone',
    code: 'ERR_BASTION_LOST',
    remedy: 'again',
  });
  expect(JSON.parse(lines[1]!)).toMatchObject({ msg: 'internal error', err: { message: 'oops' } });
});

test('no word of others moves the cursor of whoever reads the log, or turns what follows', () => {
  const { lines, sink } = record();
  const hostile = '\u001b[2Ja\u009b1mb\u202ec\u0007';
  const { logger } = createLoggers(0, sinkFor('text', sink, { onTerminal: false, isDetailed: true }));
  logger.warn(`refused: ${hostile}`, { destination: hostile });
  expect(lines[0]).toMatch(/refused: \[2Ja1mbc .*destination.*\[2Ja1mbc/);
});

test('what only looks like an escape in JSON is text, and a line with it is readable', () => {
  const { lines, sink } = record();
  const { logger } = createLoggers(0, sinkFor('text', sink, { onTerminal: false }));
  logger.warn('refused: C:\\u001b and \\\\u0007, a\bc\fd\re');
  expect(lines[0]).toMatch(/WARN.*refused: C:\\u001b and \\\\u0007, acde\n?$/);
});
