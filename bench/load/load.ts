import type { Namespace } from '../../test/support/lab/namespace.ts';
import type { Child } from '../../test/support/process/child.ts';
import { until } from '../../test/support/process/until.ts';
import type { BenchLab } from '../lab/bench-lab.ts';

/** Which way the bytes of a bulk flow go, seen from the client. */
export type Direction = 'down' | 'up';

/** Cumulative bytes that have arrived, every 50 ms since the first connect. */
export interface BulkResult {
  readonly failed: number;
  readonly microseconds: readonly number[];
  readonly bytes: readonly number[];
}

/** Latencies of single requests, in the order in which they were made. */
export interface ProbeResult {
  readonly lost: number;
  readonly microseconds: readonly number[];
}

/** How many flows did what they should. */
export interface RoundResult {
  readonly done: number;
  readonly lost: number;
}

/** The end of a transfer of a known pattern, both ways. */
export interface VerifyResult {
  readonly down: boolean;
  readonly up: boolean;
  readonly hashDown: string;
  readonly hashUp: string;
  /** The client's address as the destination sees it. */
  readonly seenAs: string;
}

/** Flows that stay open, or bulk that goes on, until told. */
export interface HeldFlows {
  readonly opened: RoundResult & { readonly seconds: number };
  /** Asks the program to use every flow once more. */
  again(timeoutMs: number): Promise<RoundResult>;
  end(): Promise<void>;
}

/** Where applications connect to reach the destination. */
export interface LoadEndpoint {
  readonly address: string;
  readonly port: number;
}

const GRACE_MS = 15_000;

/** The load program's clients, where applications run. Each call is one process; every call is bounded in time. */
export class Load {
  readonly #lab: BenchLab;
  readonly #namespace: Namespace;
  readonly #endpoint: readonly [string, string];

  /** @param namespace where applications run */
  constructor(lab: BenchLab, endpoint: LoadEndpoint, namespace: Namespace = lab.client) {
    this.#lab = lab;
    this.#namespace = namespace;
    this.#endpoint = [endpoint.address, String(endpoint.port)];
  }

  /** Moves as much as it can for a while. */
  async bulk(direction: Direction, flows: number, seconds: number): Promise<BulkResult> {
    return await this.#toEnd<BulkResult>('bulk', this.#bulkWords(direction, flows, seconds), seconds * 1000);
  }

  /** Moves as much as it can until told to end. */
  startBulk(direction: Direction, flows: number): { end(): Promise<BulkResult> } {
    const child = this.#start('bulk', this.#bulkWords(direction, flows, 600));
    return {
      end: async () => {
        child.kill('SIGTERM');
        return await answerOf<BulkResult>(child, GRACE_MS);
      },
    };
  }

  /** One request after the other on one connection. */
  async keepAlive(seconds: number, pauseMs: number): Promise<ProbeResult> {
    return await this.#toEnd<ProbeResult>(
      'keep-alive',
      [String(seconds), String(pauseMs)],
      seconds * 1000 + GRACE_MS,
    );
  }

  /** One request after the other, each on a connection of its own. */
  async fresh(seconds: number, pauseMs: number): Promise<ProbeResult> {
    return await this.#toEnd<ProbeResult>(
      'fresh',
      [String(seconds), String(pauseMs)],
      seconds * 1000 + GRACE_MS,
    );
  }

  /** `count` new connections, `atOnce` at a time, one request on each. */
  async rate(
    count: number,
    atOnce: number,
    timeoutSeconds: number,
  ): Promise<RoundResult & ProbeResult & { readonly seconds: number }> {
    const words = [count, atOnce, timeoutSeconds].map(String);
    return await this.#toEnd('rate', words, timeoutSeconds * 1000);
  }

  /** Opens flows, makes sure with a request that each works, and keeps them; `again` uses each once more. */
  async hold(count: number, atOnce: number, timeoutSeconds: number): Promise<HeldFlows> {
    const child = this.#start('hold', [count, atOnce, timeoutSeconds].map(String), true);
    return await holdChild(child, timeoutSeconds * 1000);
  }

  /** Begins downloads and reads nothing of them; `again` reads all of them and checks every byte. */
  async stall(count: number, bytes: number): Promise<HeldFlows> {
    const child = this.#start('stall', [count, bytes].map(String), true);
    return await holdChild(child, GRACE_MS);
  }

  /** Sends a known pattern both ways, with half-close, compares and hashes every byte. */
  async verify(bytes: number, timeoutMs: number): Promise<VerifyResult> {
    return await this.#toEnd<VerifyResult>('verify', [String(bytes)], timeoutMs);
  }

  /**
   * Starts a program that makes the destination reachable, and ends it.
   *
   * @returns milliseconds from its exec to the first byte of an answer
   */
  async firstByte(command: readonly string[]): Promise<number> {
    const { microseconds } = await this.#toEnd<{ readonly microseconds: number }>(
      'first-byte',
      command,
      GRACE_MS,
    );
    return microseconds / 1000;
  }

  #bulkWords(direction: Direction, flows: number, seconds: number): string[] {
    return [this.#lab.counterFile, direction, String(flows), String(seconds)];
  }

  #start(program: string, words: readonly string[], interactive = false): Child {
    const argv = [this.#lab.programs.load, program, ...this.#endpoint, ...words];
    return this.#namespace.spawn(argv, { interactive });
  }

  async #toEnd<T>(program: string, words: readonly string[], timeoutMs: number): Promise<T> {
    return await answerOf<T>(this.#start(program, words), timeoutMs + GRACE_MS);
  }
}

async function answerOf<T>(child: Child, timeoutMs: number): Promise<T> {
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    const result = await child.exited;
    if (result.code !== 0) {
      throw new Error(`load ended with ${result.code ?? result.signal}: ${result.stderr.trim()}`);
    }
    return JSON.parse(result.stdout) as T;
  } finally {
    clearTimeout(timer);
  }
}

async function holdChild(child: Child, timeoutMs: number): Promise<HeldFlows> {
  let lines = 0;
  const nextLine = async <T>(deadlineMs: number): Promise<T> => {
    lines += 1;
    const line = await until(
      () => {
        const complete = child.stdout.split('\n').slice(0, -1);
        if (complete.length < lines && !child.isRunning) throw new Error(`load ended: ${child.stderr}`);
        return complete[lines - 1];
      },
      { deadlineMs: deadlineMs + GRACE_MS, what: 'an answer of the load program' },
    );
    return JSON.parse(line) as T;
  };
  try {
    const opened = await nextLine<HeldFlows['opened']>(timeoutMs);
    return {
      opened,
      again: async (againTimeoutMs) => {
        child.write('again\n');
        return await nextLine<RoundResult>(againTimeoutMs);
      },
      end: async () => {
        child.kill('SIGKILL');
        await child.exited;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
