import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PF_LISTENERS, type PfPlatform } from '../../../src/intercept/rules/pf/pf-anchor.ts';
import { type Endpoint, sameEndpoint } from '../../../src/net/address/endpoint.ts';
import { lockFile } from '../../../src/net/native/file-lock.ts';
import { fakeIoctl } from './fake-ioctl.ts';
import { type FakeToolResult, fakePfctl } from './fake-pfctl.ts';

/** A list of rules, with the number that the kernel gives it anew with each change. */
export interface FakeRules {
  lines: string[];
  ticket: number;
}

/** One ruleset: the main one, or an anchor's. */
export interface FakeRuleset {
  rdr: FakeRules;
  filter: FakeRules;
  tables: string[];
}

/** A redirected connection that pf keeps in mind. */
export interface FakeState {
  readonly originator: Endpoint;
  readonly listener: Endpoint;
  readonly destination: Endpoint;
  /** Both sides, as pfctl shows them. */
  readonly phase?: string;
}

/** What a kernel's pf, and lo0, hold. */
export interface FakeKernel {
  readonly platform: PfPlatform;
  isEnabled: boolean;
  tokens: string[];
  lastToken: number;
  main: FakeRuleset;
  anchors: Record<string, FakeRuleset>;
  states: FakeState[];
  stateLimit: number;
  otherStates: number;
  skipsLoopback: boolean;
  hasAlias: boolean;
  poolTicket: number;
  /** Error numbers that DIOCNATLOOK answers with, whatever is asked. */
  natlookErrno: number;
  /** What pfctl refuses, by the first of these words in its arguments, and its words. */
  refusals: Record<string, string>;
  /** Every command line, as `pfctl -s info`. */
  commands: string[];
}

const rules = (...lines: string[]): FakeRules => ({ lines, ticket: 1 });

/** As a system has it that nobody has changed: macOS has pf disabled, FreeBSD's is somebody's firewall. */
function freshKernel(platform: PfPlatform): FakeKernel {
  const main: FakeRuleset =
    platform === 'darwin'
      ? {
          rdr: rules('nat-anchor "com.apple/*" all', 'rdr-anchor "com.apple/*" all'),
          filter: rules('scrub-anchor "com.apple/*" all fragment reassemble', 'anchor "com.apple/*" all'),
          tables: [],
        }
      : { rdr: rules(), filter: rules('pass out all flags S/SA keep state'), tables: [] };
  return {
    platform,
    isEnabled: platform === 'freebsd',
    tokens: [],
    lastToken: 17_000,
    main,
    anchors: {},
    states: [],
    stateLimit: platform === 'darwin' ? 10_000 : 100_000,
    otherStates: 0,
    skipsLoopback: false,
    hasAlias: false,
    poolTicket: 0,
    natlookErrno: 0,
    refusals: {},
    commands: [],
  };
}

/**
 * A pf that holds state in a folder, so that processes share it: what pfctl(8), ifconfig(8) and /dev/pf would do, as far as tshuttle
 * asks them, with the words and the error numbers that were recorded (native-notes/pf-helper.md).
 */
export class FakePf {
  readonly folder: string;
  readonly #file: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#file = join(folder, 'kernel.json');
  }

  /** Makes one in a folder. */
  static create(folder: string, platform: PfPlatform): FakePf {
    const fake = new FakePf(folder);
    writeFileSync(fake.#file, JSON.stringify(freshKernel(platform)));
    return fake;
  }

  /** Reads, and changes, what the kernel holds; one process at a time. */
  change<T>(task: (kernel: FakeKernel) => T): T {
    const lock = openSync(join(this.folder, 'lock'), 'a');
    try {
      while (!lockFile(lock, 'exclusive')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      const kernel = JSON.parse(readFileSync(this.#file, 'utf8')) as FakeKernel;
      const result = task(kernel);
      const fresh = `${this.#file}.${process.pid}`;
      writeFileSync(fresh, JSON.stringify(kernel));
      renameSync(fresh, this.#file);
      return result;
    } finally {
      closeSync(lock);
    }
  }

  get kernel(): FakeKernel {
    return this.change((kernel) => structuredClone(kernel));
  }

  pfctl(argv: readonly string[], input = ''): FakeToolResult {
    return this.change((kernel) => {
      kernel.commands.push(['pfctl', ...argv].join(' '));
      return fakePfctl(kernel, argv, input);
    });
  }

  ifconfig(argv: readonly string[]): FakeToolResult {
    return this.change((kernel) => {
      kernel.commands.push(['ifconfig', ...argv].join(' '));
      if (argv.includes('-alias')) kernel.hasAlias = false;
      else if (argv.includes('alias')) kernel.hasAlias = true;
      const alias = kernel.hasAlias ? `\tinet6 ${PF_LISTENERS[6]} prefixlen 128\n` : '';
      const stdout = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384\n\tinet6 ::1 prefixlen 128\n${alias}`;
      return { status: 0, stdout: argv.length === 2 ? stdout : '', stderr: '' };
    });
  }

  ioctl(request: number, struct: Buffer): number {
    return this.change((kernel) => fakeIoctl(kernel, request, struct));
  }

  /** pf knows of a connection that it has redirected. */
  connect(originator: Endpoint, destination: Endpoint, listenerPort: number): void {
    const listener = {
      family: originator.family,
      address: PF_LISTENERS[originator.family],
      port: listenerPort,
    };
    this.change(({ states }) => states.push({ originator, destination, listener }));
  }

  /** pf has forgotten it. */
  forget(originator: Endpoint): void {
    this.change((kernel) => {
      kernel.states = kernel.states.filter((state) => !sameEndpoint(state.originator, originator));
    });
  }

  /** What of ours is in the kernel. */
  ours(): string[] {
    const { tokens, main, anchors, hasAlias } = this.kernel;
    const calls = [...main.rdr.lines, ...main.filter.lines].filter((line) => line.includes('tshuttle'));
    const loaded = Object.entries(anchors).flatMap(([path, { rdr, filter, tables }]) =>
      rdr.lines.length + filter.lines.length + tables.length > 0 ? [`anchor ${path}`] : [],
    );
    return [
      ...loaded,
      ...calls,
      ...tokens.map((token) => `token ${token}`),
      ...(hasAlias ? ['alias of lo0'] : []),
    ];
  }
}
