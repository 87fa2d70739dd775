import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ControlServer } from '../../../src/daemon/control/server.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { FakeTunnel, fakeTarget } from '../daemon/fake-target.ts';
import { Home, runReal } from './entry.ts';

const BUILT = new URL('../../../dist/', import.meta.url).href;

/** Each of them takes longer to load than what the commands below have to do. */
const HEAVY = ['ssh2', 'valibot', 'pino', 'pino-pretty', 'koffi', 'yaml', 'prom-client', 'ip-num', 'socks'];

const IMPORTED = /\bimport\((["'`])([^"'`]+)\1\)/g;

/** What a command line has said and loaded. */
interface Loaded {
  readonly output: string;
  /** Files below dist/. */
  readonly own: readonly string[];
  readonly packages: readonly string[];
}

/** Runs the built program, and reads which scripts V8 had at its end, by whichever way they were loaded. */
async function load(home: Home, ...words: readonly string[]): Promise<Loaded> {
  const folder = join(home.path, 'loaded');
  const env = { ...home.environment(), NODE_V8_COVERAGE: folder };
  const { stdout, stderr } = await runReal(words, { env });
  const urls = new Set<string>();
  for (const name of await readdir(folder)) {
    const { result } = JSON.parse(await readFile(join(folder, name), 'utf8')) as {
      readonly result: ReadonlyArray<{ readonly url: string }>;
    };
    for (const { url } of result) urls.add(url);
  }
  const packages = [...urls].flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  const own = [...urls].filter((url) => url.startsWith(BUILT)).map((url) => url.slice(BUILT.length));
  return { output: `${stdout}${stderr}`, own: own.sort(), packages: [...new Set(packages)] };
}

/** Whether one of the files that were loaded has a text, which one that was built has. */
async function hasLoaded({ own }: Pick<Loaded, 'own'>, text: string): Promise<boolean> {
  const built = (await readdir(new URL(BUILT))).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(built.map((name) => readFile(new URL(name, BUILT), 'utf8')));
  const having = built.filter((_, index) => texts[index]!.includes(text));
  expect(having, text).not.toEqual([]);
  return having.some((name) => own.includes(name));
}

/** Of what is only for a command line that means nothing as it is. */
const SUGGESTIONS = ['is a profile; write', 'start a profile with tshuttle up', 'is not an option here'];

function commandsIn({ own }: Loaded): readonly string[] {
  return own.filter((path) => path.endsWith('-command.js'));
}

test('all that is built is of CommonJS, which Node.js loads sooner, and packages are required, but for what few starts need', async () => {
  const files = (await readdir(new URL(BUILT), { recursive: true })).filter((name) =>
    /^(?!test).*\.js$/.test(name),
  );
  expect(files.length).toBeGreaterThan(50);
  const imported = new Set<string>();
  for (const name of files) {
    const text = await readFile(new URL(name, BUILT), 'utf8');
    expect(text.startsWith('"use strict";'), name).toBe(true);
    for (const [, , from] of text.matchAll(IMPORTED)) imported.add(from!);
  }
  expect([...imported].sort()).toEqual(['@noble/post-quantum/ml-kem', 'socks']);
});

describe('what the program loads', () => {
  test('for --version: nothing but it', async () => {
    await using home = await Home.make();
    const { output, own, packages } = await load(home, '--version');
    expect(output).toMatch(/^tshuttle \d/);
    expect(own).toEqual(['main.js', 'rolldown-runtime.js', 'version.js']);
    expect(packages).toEqual([]);
  });

  test.each([
    // In what most commands load.
    [['status'], [], /^no tunnel is up -> /],
    [['is-up'], ['is-up-command.js'], /^tshuttle: no tunnel is up -> /],
    [['down', '--all'], ['down-command.js'], /^no tunnel is up\n$/],
    [['help'], ['help-command.js'], /ERR_USAGE/],
  ] as const)('for %j: its own command, and no heavy package', async (words, files, said) => {
    await using home = await Home.make();
    const loaded = await load(home, ...words);
    expect(loaded.output).toMatch(said);
    expect(commandsIn(loaded)).toEqual(files);
    expect(loaded.packages).toContain('commander');
    for (const heavy of HEAVY) expect(loaded.packages).not.toContain(heavy);
    for (const text of SUGGESTIONS) expect(await hasLoaded(loaded, text), text).toBe(false);
  });

  test('for status of a tunnel that is up: no heavy package either, but koffi, to know whose it is', async () => {
    await using home = await Home.make();
    const folder = join(home.path, 'run/tshuttle');
    const server = await ControlServer.open(folder, fakeTarget(new FakeTunnel('office')), recordingLogger());
    try {
      const { output, packages } = await load(home, 'status');
      expect(output).toMatch(/^~ office +opening$/m);
      for (const heavy of HEAVY.filter((name) => name !== 'koffi')) expect(packages).not.toContain(heavy);
    } finally {
      await server.close();
    }
  });

  test.each([['status', '--format', '{name}'], ['is-up']])(
    'for %j of several: nothing that reads their rules, since a prompt waits for it',
    async (...words) => {
      await using home = await Home.make();
      const target = fakeTarget(new FakeTunnel('office'), new FakeTunnel('lab'));
      const server = await ControlServer.open(join(home.path, 'run/tshuttle'), target, recordingLogger());
      try {
        const { output, packages } = await load(home, ...words);
        expect(output).toMatch(/office[\s\S]*lab/);
        for (const heavy of HEAVY.filter((name) => name !== 'koffi')) expect(packages).not.toContain(heavy);
      } finally {
        await server.close();
      }
    },
  );

  test('for a tunnel: no command', async () => {
    await using home = await Home.make();
    const loaded = await load(home, '-r', 'h.example', '10.0.0.0/33');
    expect(loaded.output).toContain('10.0.0.0/33');
    expect(commandsIn(loaded)).toEqual([]);
  });

  test('for a tunnel that has nothing to log: not what only others need', async () => {
    await using home = await Home.make();
    const loaded = await load(home, '-r', '127.0.0.1:1', '--socks', '0');
    const { output, packages } = loaded;
    expect(output).toContain('connection refused');
    for (const others of ['pino', 'pino-pretty', 'socks', 'yaml', 'valibot', 'prom-client', 'ip-num'])
      expect(packages).not.toContain(others);
    for (const text of SUGGESTIONS) expect(await hasLoaded(loaded, text), text).toBe(false);
  });
});
