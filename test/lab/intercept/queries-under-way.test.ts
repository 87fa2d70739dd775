import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { startHelper } from '../../../src/intercept/client/client.ts';
import { openLabSite } from '../../support/lab/lab-site.ts';
import type { Namespace } from '../../support/lab/namespace.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { planFor, SILENT } from './scratch.ts';

/*
 *  machine: a server, a client ── nameserver       they are asking each other when its redirect begins
 */
const HELPER = fileURLToPath(new URL('../../../bin/tshuttle-helper', import.meta.url));
const FAMILIES = [
  { machine: '198.51.100.2', nameserver: '198.51.100.1' },
  { machine: '2001:db8:51::2', nameserver: '2001:db8:51::1' },
] as const;
const OUR_PORT = 12_353;
const CLIENT_PORT = 5_300;

describe.skipIf(skipLab)('a nameserver whose redirect begins', () => {
  it('gets the answer that it waits for from a server of this machine, and gives the one that it owes', async () => {
    await using site = await openLabSite(['machine', 'nameserver']);
    const [machine, nameserver] = site.namespaces;
    await wire(machine, nameserver);
    const here = await talk(
      machine,
      FAMILIES.flatMap(({ machine: ours }) => [`${ours}#53`, `${ours}#${CLIENT_PORT}`]),
    );
    const there = await talk(
      nameserver,
      FAMILIES.map((one) => `${one.nameserver}#53`),
    );
    for (const { machine: ours, nameserver: theirs } of FAMILIES) {
      there.write(`ask ${theirs}#53 ${ours}#53\n`);
      await here.untilOutput(line(`${ours}#53 got a query of ${theirs}#53`));
      here.write(`ask ${ours}#${CLIENT_PORT} ${theirs}#53\n`);
      await there.untilOutput(line(`${theirs}#53 got a query of ${ours}#${CLIENT_PORT}`));
    }

    const command = ['ip', 'netns', 'exec', machine.name, process.execPath, HELPER];
    const helper = await startHelper({ command, logger: SILENT });
    await helper.call({ type: 'use', candidate: 'libnftables' });
    const redirects = FAMILIES.map((one) => ({ nameserver: one.nameserver, port: OUR_PORT }));
    const plan = {
      ...planFor(12_300, '203.0.113.0', '203.0.113.255'),
      families: [4, 6] as const,
      dns: { redirects, exemptPorts: [] },
    };
    await helper.call({ type: 'apply', plan });

    for (const { machine: ours, nameserver: theirs } of FAMILIES) {
      here.write(`answer ${ours}#53 ${theirs}#53\n`);
      await there.untilOutput(line(`${theirs}#53 got an answer of ${ours}#53`));
      there.write(`answer ${theirs}#53 ${ours}#${CLIENT_PORT}\n`);
      await here.untilOutput(line(`${ours}#${CLIENT_PORT} got an answer of ${theirs}#53`));
    }
    await helper.close();
  });
});

function line(text: string): RegExp {
  return new RegExp(`^${text.replaceAll('.', '\\.')}$`, 'm');
}

async function talk(namespace: Namespace, locals: readonly string[]): Promise<Child> {
  const argv = ['node', 'test/lab/intercept/answers.entry.mjs', ...locals];
  const child = namespace.spawn(argv, { interactive: true });
  await child.untilOutput(/^ready$/m);
  return child;
}

async function wire(machine: Namespace, nameserver: Namespace): Promise<void> {
  const [four, six] = FAMILIES;
  await machine.ipEach([
    `link add up0 type veth peer name down0 netns ${nameserver.name}`,
    `addr add ${four.machine}/24 dev up0`,
    `addr add ${six.machine}/64 dev up0 nodad`,
    'link set up0 up',
  ]);
  await nameserver.ipEach([
    `addr add ${four.nameserver}/24 dev down0`,
    `addr add ${six.nameserver}/64 dev down0 nodad`,
    'link set down0 up',
  ]);
}
