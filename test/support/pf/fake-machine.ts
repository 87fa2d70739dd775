import { join } from 'node:path';
import { runTool, shorten, type ToolResult } from '../../../src/intercept/root/drivers/backend/run-tool.ts';
import type { PfMachine } from '../../../src/intercept/root/drivers/pf/pf-machine.ts';
import type { FakePf } from './fake-pf.ts';
import type { FakeToolResult } from './fake-pfctl.ts';

/** Loopback, and those from which its applications connect. */
const OWN_ADDRESSES: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '10.0.2.15', '2001:db8:1::15']);

/** A machine whose pf is the fake, in this process. */
export function fakeMachine(fake: FakePf, warn: (message: string) => void = () => {}): PfMachine {
  return {
    platform: fake.kernel.platform,
    stateFolder: join(fake.folder, 'run'),
    resolverFolder: fake.kernel.platform === 'darwin' ? join(fake.folder, 'resolver') : undefined,
    pfctl: async (argv, input) => resultOf(fake.pfctl(argv, input)),
    ifconfig: async (argv) => resultOf(fake.ifconfig(argv)),
    openDevice: () => ({ ioctl: (request, struct) => fake.ioctl(request, struct), close: () => {} }),
    ownAddresses: () => ['127.0.0.1', '::1'],
    isOwnAddress: (address) => OWN_ADDRESSES.has(address),
    warn,
  };
}

/** The same, with programs in its folder for pfctl(8) and ifconfig(8), which are killed and outlive us as the real ones do. */
export function fakeMachineWithPrograms(fake: FakePf): PfMachine {
  return {
    ...fakeMachine(fake),
    pfctl: (argv, input) => runTool(join(fake.folder, 'pfctl'), argv, input),
    ifconfig: (argv) => runTool(join(fake.folder, 'ifconfig'), argv),
  };
}

function resultOf({ status, stdout, stderr }: FakeToolResult): ToolResult {
  return status === 0
    ? { kind: 'done', output: stdout, errors: stderr }
    : { kind: 'refused', reason: shorten(stderr) };
}
