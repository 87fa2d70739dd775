import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MEBIBYTE, type Scenario } from './scenario.ts';

const ROUNDS = { full: 12, quick: 4 } as const;

/** What tshuttle's own commands take, from exec to exit, beside a tunnel that is up; Node.js and ssh for comparison. */
export const commands: Scenario = {
  name: 'commands',
  title: 'Commands, from exec to exit',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['tshuttle'], quick: ['tshuttle'] },
  runs: { full: 1, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async ({ lab, peer, pace, record }) => {
    if (peer.command === undefined) throw new Error(`${peer.name} is more than one program`);
    const [node, script] = peer.command(lab) as [string, string];
    // Not by the way into a namespace, which would take as long again: they need no network.
    const beside = { PATH: process.env['PATH'], HOME: lab.machine.homeOf('root') };
    const alone = { ...beside, HOME: lab.directory };
    const measured: ReadonlyArray<readonly [string, readonly string[], NodeJS.ProcessEnv]> = [
      ['node -e 0', [node, '-e', '0'], alone],
      ['ssh -V', ['ssh', '-V'], alone],
      ['tshuttle --version', [node, script, '--version'], alone],
      ['tshuttle status, no tunnel', [node, script, 'status'], alone],
      ['tshuttle status, one tunnel', [node, script, 'status'], beside],
      ['tshuttle is-up, one tunnel', [node, script, 'is-up'], beside],
      ['tshuttle down, of what is not up', [node, script, 'down', 'nothing'], alone],
      ['tshuttle help', [node, script, 'help'], alone],
      ['tshuttle --help', [node, script, '--help'], alone],
    ];
    const tookMs = measured.map((): number[] => []);
    for (let round = 0; round < ROUNDS[pace]; round++) {
      for (const [index, [name, argv, environment]] of measured.entries()) {
        const { milliseconds, output } = await run(argv, environment);
        if (name.endsWith('one tunnel') && output.startsWith('no tunnel'))
          throw new Error(`status: ${output}`);
        tookMs[index]?.push(milliseconds);
      }
    }
    for (const [index, [name]] of measured.entries())
      record({ name, unit: 'ms', better: 'less' }, tookMs[index] ?? []);
  },
};

/** A bug of tshuttle's. */
const EXIT_INTERNAL = 70;

async function run(
  [file, ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly milliseconds: number; readonly output: string }> {
  const startedMs = performance.now();
  const child = spawn(file ?? '', words, { env: environment, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const milliseconds = performance.now() - startedMs;
  // Of what is not up, status and down end with another code than 0.
  if (code === null || code === EXIT_INTERNAL) throw new Error(`${words.join(' ')} ended with ${code}`);
  return { milliseconds, output };
}
