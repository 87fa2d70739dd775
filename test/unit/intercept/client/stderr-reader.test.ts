import { expect, test } from 'vitest';
import { StderrReader } from '../../../../src/intercept/client/stderr-reader.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

test.each([
  'sudo: a password is required',
  'Sorry, user bob is not allowed to execute "/bin/true" as root on h.',
  'bob is not in the sudoers file.',
  'bob is not allowed to run sudo on h.',
  'This incident has been reported to the administrator.',
])('what sudo says is kept for the error and is no warning besides: %s', (line) => {
  const logger = recordingLogger();
  const reader = new StderrReader(logger);
  reader.push(Buffer.from(`${line}\n`));
  expect(reader.sudoLines).toEqual([line]);
  expect(logger.lines).toEqual([`debug ${line}`]);
});

test('what a library says is a warning', () => {
  const logger = recordingLogger();
  const reader = new StderrReader(logger);
  reader.push(Buffer.from('some library says hello\n'));
  expect([reader.sudoLines, logger.lines]).toEqual([[], ['warn some library says hello']]);
});
