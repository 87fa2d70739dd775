import { dirname } from 'node:path';
import { mustRun } from '../../test/support/process/child.ts';
import type { Metric } from '../report/result.ts';
import type { Scenario } from './scenario.ts';

/** What `npm pack --dry-run --json` says of a package. */
interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** What somebody downloads and has on the disk: the package of npm, and the packages that it brings on this machine. */
export const packageSize: Scenario = {
  name: 'package',
  title: 'What is published',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['tshuttle'], quick: ['tshuttle'] },
  runs: { full: 1, quick: 1 },
  checkedBytes: 0,
  measure: async ({ lab, peer, record }) => {
    if (peer.command === undefined) throw new Error(`${peer.name} is more than one program`);
    const checkout = dirname(dirname(peer.command(lab)[1] ?? ''));
    const npm = (...words: readonly string[]): Promise<string> =>
      mustRun(['npm', '--prefix', checkout, ...words]);
    const output = await npm('pack', checkout, '--dry-run', '--json', '--ignore-scripts');
    const [packed] = JSON.parse(output) as readonly Packed[];
    if (packed === undefined) throw new Error(`npm pack: ${output}`);
    const installed = await npm('ls', '--omit=dev', '--all', '--parseable');
    const least = (name: string, unit: Metric['unit'], value: number): void =>
      record({ name, unit, better: 'less' }, [value]);
    least('tarball', 'kB', packed.size / 1_000);
    least('unpacked', 'kB', packed.unpackedSize / 1_000);
    least('files', 'files', packed.entryCount);
    // Without itself.
    least('packages it brings', 'packages', installed.trim().split('\n').length - 1);
  },
};
