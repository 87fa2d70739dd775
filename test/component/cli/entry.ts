import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildModule } from '../../support/process/built-module.ts';
import { Child, type CommandResult, runCommand } from '../../support/process/child.ts';

const BIN = fileURLToPath(new URL('../../../bin/tshuttle', import.meta.url));
const FAKE = resolve(await buildModule('test/component/cli/fake-tunnel.entry.mjs'));

/** Where a command takes itself to be is where these tests do: simulate.cjs. */
const SIMULATION = Object.fromEntries(
  ['NODE_OPTIONS', 'TSHUTTLE_TEST_PLATFORM', 'TSHUTTLE_TEST_KOFFI', 'TSHUTTLE_TEST_PIPES'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** What the pretended tunnel does: fake-tunnel.entry.mjs. */
export type Behaviour =
  | 'up'
  | 'refused'
  | 'bug'
  | 'late-bug'
  | 'never'
  | 'ask'
  | 'slow-ask'
  | 'lost'
  | 'slow-close'
  | 'stuck-close';

/** A home of its own for commands under test; what they leave in it goes away with it. */
export class Home implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param folder where it is made */
  static async make(folder = tmpdir()): Promise<Home> {
    const home = new Home(await mkdtemp(join(folder, 'tshuttle-cli-')));
    await mkdir(join(home.path, 'run'));
    return home;
  }

  /** The environment of a command that lives here. */
  environment(
    behaviour: Behaviour = 'up',
    more: Readonly<Record<string, string>> = {},
  ): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.path,
      XDG_RUNTIME_DIR: join(this.path, 'run'),
      FAKE_TUNNEL: behaviour,
      FAKE_NOTES: join(this.path, 'notes'),
      ...SIMULATION,
      ...more,
    };
  }

  /** Runs the command with a pretended tunnel to its end. */
  run(
    words: readonly string[],
    behaviour?: Behaviour,
    more?: Readonly<Record<string, string>>,
  ): Promise<CommandResult> {
    return runCommand(fakeCommand(words), { env: this.environment(behaviour, more) });
  }

  /** Starts the command with a pretended tunnel. */
  start(words: readonly string[], behaviour?: Behaviour): Child {
    return new Child(fakeCommand(words), { env: this.environment(behaviour) });
  }

  /** What the pretended tunnel has noted, one line each. */
  async notes(): Promise<string[]> {
    return (await this.read('notes')).trimEnd().split('\n');
  }

  /** A file in this home; empty when it is not there. */
  async read(name: string): Promise<string> {
    return await readFile(join(this.path, name), 'utf8').catch(() => '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The command line with a pretended tunnel. */
export function fakeCommand(words: readonly string[]): string[] {
  return [process.execPath, FAKE, ...words];
}

/** Runs the real `bin/tshuttle`. */
export function runReal(
  words: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Promise<CommandResult> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...SIMULATION, ...options.env };
  return runCommand([BIN, ...words], { ...options, env });
}
