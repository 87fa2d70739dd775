import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AskpassPrompter } from '../../../../src/cli/prompt/askpass-prompter.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { writeProgram } from '../../../support/process/write-program.ts';

let directory: string;
let logger: RecordingLogger;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-askpass-'));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  logger = recordingLogger();
});

function prompterOf(script: string, environment: Record<string, string> = {}): AskpassPrompter {
  const program = join(directory, 'askpass');
  writeProgram(program, `#!/bin/sh\n${script}\n`);
  return new AskpassPrompter(program, { PATH: process.env['PATH'], ...environment }, logger);
}

test('the question is the argument, the first line the answer; what was shown before goes with it', async () => {
  const prompter = prompterOf(`printf '%s' "$1" >${directory}/asked; printf 'let me in\\nnot this'`);
  prompter.show('Two-factor login');
  expect(await prompter.ask('Code $(id) `id` ; ')).toBe('let me in');
  expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('Two-factor login\nCode $(id) `id` ; ');
  await prompter.ask('Again: ');
  expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('Again: ');
});

test('it gets the environment, but nothing of ours', async () => {
  const environment = { DISPLAY: ':7', TSHUTTLE_ARGS: '-r me:secret@bastion' };
  const prompter = prompterOf('echo "$DISPLAY/$TSHUTTLE_ARGS"', environment);
  expect(await prompter.ask('?')).toBe(':7/');
});

test.each([
  { what: 'fails', script: 'echo secret; exit 3', why: 'it ended with 3' },
  { what: 'never stops talking', script: 'yes secret', why: 'maxBuffer' },
])('a program that $what gives no answer, and its output is not shown', async ({ script, why }) => {
  const prompter = prompterOf(script);
  expect(await prompter.ask('?')).toBeUndefined();
  expect(logger.lines.join()).toContain(why);
  expect(logger.lines.join()).not.toContain('secret');
});

test('a program that is not there gives no answer, and is named', async () => {
  const prompter = new AskpassPrompter('/nowhere/askpass', {}, logger);
  expect(await prompter.ask('?')).toBeUndefined();
  expect(logger.lines.join()).toContain('/nowhere/askpass');
});

test('one question after the other', async () => {
  const prompter = prompterOf(
    `echo "$1" >>${directory}/order; sleep 0.0$1; echo "$1" >>${directory}/order; echo "$1"`,
  );
  expect(await Promise.all([prompter.ask('5'), prompter.ask('1')])).toEqual(['5', '1']);
  expect(await readFile(join(directory, 'order'), 'utf8')).toBe('5\n5\n1\n1\n');
});
