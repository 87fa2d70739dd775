import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Child } from '../../../support/process/child.ts';
import { fakeCommand, Home } from '../entry.ts';
import { Terminal } from '../terminal.ts';

const WORDS = ['-r', 'h', '10.0.0.0/8'];

test('asks on the terminal: a secret is not shown, an answer is', async () => {
  await using home = await Home.make();
  await using terminal = new Terminal(fakeCommand(WORDS), home.environment('ask'));
  await terminal.untilShown('Password: ');
  terminal.type('hush\u007f\u007fsh!\r');
  await terminal.untilShown('Continue (yes/no)? ');
  terminal.type('yes\r');
  await terminal.untilShown('pretending for h');
  terminal.type('\u0003');
  expect(await terminal.ended()).toBe(130);
  expect(terminal.output).toContain('a banner\r\n');
  expect(terminal.output).toContain('Continue (yes/no)? yes');
  expect(terminal.output).not.toContain('hus');
  expect(await home.notes()).toContain('answers [true,"hush!","yes"]');
  expect((await home.notes()).at(-1)).toBe('closed');
});

test('what takes long is one line, which is gone before a warning, a question and the end', async () => {
  await using home = await Home.make();
  const words = fakeCommand([...WORDS, '--save', 'office']);
  await using terminal = new Terminal(words, home.environment('slow-ask', { TERM: 'xterm' }));
  await terminal.untilShown('Password: ');
  terminal.type('hush\r');
  await terminal.untilShown('Continue (yes/no)? ');
  terminal.type('yes\r');
  await terminal.untilShown('next time: tshuttle up office');
  terminal.type('\u0003');
  expect(await terminal.ended()).toBe(130);
  const shown = 'tshuttle: connecting to h ...';
  expect(terminal.output).toContain(`\r\u001b[K${shown}`);
  // As a terminal shows it: what is written over is gone.
  const screen = terminal.output.split('\n').map((line) => line.split('\r\u001b[K').at(-1)!.trimEnd());
  expect(screen.filter((line) => line.includes('connecting'))).toEqual([]);
  expect(screen).toContain('a banner');
  expect(
    screen.map(stripVTControlCharacters).filter((line) => /WARN: (?:slow|a warning)$/.test(line)),
  ).toHaveLength(2);
  expect(screen).toContain('tshuttle: pretending for h; stop it with Ctrl-C');
});

test('Ctrl-C at a question ends with 130', async () => {
  await using home = await Home.make();
  await using terminal = new Terminal(fakeCommand(WORDS), home.environment('ask'));
  await terminal.untilShown('Password: ');
  terminal.type('hu\u0003');
  // The second question is asked all the same by this pretended tunnel.
  await terminal.untilShown('Continue (yes/no)? ');
  terminal.type('\u0004');
  expect(await terminal.ended()).toBe(130);
});

test('the terminal is as before when the question is over', async () => {
  await using home = await Home.make();
  const [node = '', entry = ''] = fakeCommand([]);
  const script = `"${node}" "${entry}" -r h 10.0.0.0/8; stty -a`;
  await using terminal = new Terminal(['sh', '-c', script], home.environment('ask'));
  await terminal.untilShown('Password: ');
  terminal.type('\u0003');
  await terminal.untilShown('Continue (yes/no)? ');
  terminal.type('\u0003');
  await terminal.ended();
  expect(terminal.output).toMatch(/ icanon /);
  expect(terminal.output).toMatch(/ echo /);
});

test('without a terminal nobody is asked', async () => {
  await using home = await Home.make();
  // setsid(1) leaves the terminal that the tests may be run on; it becomes the command, as it leads no process group.
  const child = new Child(['setsid', ...fakeCommand(WORDS)], { env: home.environment('ask') });
  await child.untilOutput(/pretending/);
  child.kill('SIGTERM');
  expect(await child.exited).toMatchObject({ code: 0 });
  expect((await home.notes())[2]).toBe('answers [false,null,null]');
});
