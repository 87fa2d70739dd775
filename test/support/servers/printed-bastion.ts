import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOfSetup } from '../../../src/bastion/plan-setup.ts';
import type { BastionSetup } from '../../../src/bastion/setup.ts';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import { withoutPenalties } from '../lab/sshd-features.ts';
import { type Child, mustRun } from '../process/child.ts';
import { until } from '../process/until.ts';

/** A bastion that was made by what `tshuttle bastion init` prints. */
export interface PrintedBastion {
  /** `user@host:port` for -r. */
  readonly remote: string;
  /** Options of ssh(1) for the lab's key and this bastion's host key. */
  readonly sshOptions: readonly string[];
  /** What its sshd has logged. */
  log(): string;
  /** A file of it, by its path there. */
  file(path: string): string;
  /** Has its sshd read its configuration again. */
  reload(): Promise<void>;
}

/**
 * Puts a bastion in the place of the lab's sshd: the printed file is run, as root where it is a script, in a machine of its own over
 * this one's files. It ends with the lab.
 */
export async function openPrintedBastion(lab: Lab, setup: BastionSetup): Promise<PrintedBastion> {
  await lab.sshd.stop();
  const box = join(lab.directory, `printed-${Math.random().toString(36).slice(2)}`);
  await mkdir(box);
  const [printed, ...others] = filesOfSetup(setup);
  if (setup.kind === 'container') {
    const [, run = ''] = /^RUN (.*?[^\\])$/ms.exec(printed.text) ?? [];
    await writeFile(join(box, 'run.sh'), run);
    await mkdir(join(box, 'keys'));
    for (const { name, text } of others) await writeFile(join(box, 'keys', name), text);
    await mustRun([
      'ssh-keygen',
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-f',
      join(box, 'keys', 'ssh_host_ed25519_key'),
    ]);
  } else {
    await writeFile(join(box, 'install.sh'), printed.text);
  }
  const kind = setup.kind === 'container' ? 'container' : 'debian';
  const child: Child = lab.bastion.spawn([
    'unshare',
    '--mount',
    'sh',
    'test/support/servers/printed-bastion.sh',
    box,
    kind,
    ...(await withoutPenalties(['/usr/sbin/sshd'])).flatMap((line) => ['-o', line.replace(' ', '=')]),
  ]);
  await child.untilOutput(/Server listening on :: port/, 30_000);
  const port = kind === 'container' ? 2222 : 22;
  const file = (path: string): string => `/proc/${child.pid}/root${path}`;
  const hostKey =
    kind === 'container' ? '/etc/ssh/keys/ssh_host_ed25519_key.pub' : '/etc/ssh/ssh_host_ed25519_key.pub';
  const knownHosts = join(box, 'known_hosts');
  const [type, key] = (await readFile(file(hostKey), 'utf8')).split(' ');
  await writeFile(knownHosts, `${ADDRESSES.bastion4},[${ADDRESSES.bastion4}]:${port} ${type} ${key}\n`);
  return {
    remote: `${setup.user}@${ADDRESSES.bastion4}:${port}`,
    sshOptions: ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${knownHosts}`],
    log: () => child.stderr,
    file,
    reload: async () => {
      const before = child.stderr.length;
      child.kill('SIGHUP');
      await until(async () => /Server listening on :: port/.test(child.stderr.slice(before)), {
        deadlineMs: 10_000,
        what: () => `sshd reads its configuration again: ${child.stderr.slice(before)}`,
      });
    },
  };
}
