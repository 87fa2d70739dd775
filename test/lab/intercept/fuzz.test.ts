import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { skipLab } from '../../support/lab/requirements.ts';
import { malformedRequest } from '../../unit/intercept/root/malformed-request.ts';
import { SAMPLE_PLANS } from '../../unit/intercept/rules/sample-plans.ts';
import { seededRandom } from '../../unit/intercept/rules/seeded-random.ts';
import { createScratch, type Scratch } from './scratch.ts';

type Random = (below: number) => number;

/** A helper is started for each session: the first malformed request ends it. */
const SESSIONS = 24;
const MUTATIONS_PER_SESSION = 150;
const PLAN = SAMPLE_PLANS['both-families']!;

describe.skipIf(skipLab)('the helper under random and malformed requests', () => {
  it('sets no rule outside its own table, executes nothing, and leaves no rule behind', async () => {
    await using scratch = await createScratch();
    const { seed, random } = seededRandom();
    const directory = mkdtempSync(join(tmpdir(), 'tshuttle-fuzz-'));
    const canary = join(directory, 'canary');
    try {
      const foreign = await foreignRules(scratch);
      for (let session = 0; session < SESSIONS; session += 1) {
        const context = `seed ${seed}, session ${session}`;
        const status = await fuzzOnce(scratch, random, canary, session);
        // Ended by itself, in one of its own ways: not by a signal, not by a crash of Node.js (1, 134, 139).
        expect([0, 70], context).toContain(status);
        expect(await scratch.ourRules(), context).toEqual([]);
        expect(await foreignRules(scratch), context).toBe(foreign);
        expect(existsSync(canary), context).toBe(false);
        expect(await scratch.namespace.pids(), context).toEqual([]);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('ends on a line that is too long without keeping it', async () => {
    await using scratch = await createScratch();
    const child = startRaw(scratch);
    child.stdin.write(Buffer.alloc(17 * 1024 * 1024, 'a'));
    expect(await child.status).toBe(70);
  });
});

interface RawHelper {
  readonly stdin: NodeJS.WritableStream;
  /** The helper's next line; undefined when it has ended. */
  nextLine(): Promise<string | undefined>;
  readonly status: Promise<number | null>;
}

/** The helper with its protocol in our hands. */
function startRaw(scratch: Scratch): RawHelper {
  const [file = '', ...argv] = scratch.helperCommand;
  const child = spawn(file, argv, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {}); // it may have ended before we have said everything
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    const { value, done } = await lines.next();
    return done === true ? undefined : value;
  };
  const status = once(child, 'close').then(([code]) => code as number | null);
  return { stdin: child.stdin, nextLine, status };
}

/** Sends valid requests up to a random point, then malformed ones, then the end. */
async function fuzzOnce(
  scratch: Scratch,
  random: Random,
  canary: string,
  session: number,
): Promise<number | null> {
  const child = startRaw(scratch);
  const valid = [
    {
      type: 'use',
      id: 1,
      candidate: ['libnftables', 'libnftables-unowned', 'iptables'][session % 3],
    },
    { type: 'apply', id: 2, plan: PLAN },
    { type: 'look', id: 3 },
  ];
  for (const request of valid.slice(0, random(valid.length + 1)))
    child.stdin.write(`${JSON.stringify(request)}\n`);
  for (let count = 0; count < MUTATIONS_PER_SESSION; count += 1) {
    child.stdin.write(malformedRequest(random, canary));
    if (random(10) === 0) await new Promise(setImmediate);
  }
  child.stdin.end();
  return await child.status;
}

/** Everything in the namespace that is not ours. */
async function foreignRules(scratch: Scratch): Promise<string> {
  const rules = await scratch.namespace.must(['nft', 'list', 'table', 'inet', 'lab']);
  const tables = await scratch.namespace.must(['nft', 'list', 'tables', 'inet']);
  return rules + tables;
}
