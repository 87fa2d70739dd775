import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportingResources } from '../../test/support/process/resources.ts';
import { ADDRESSES, type BenchLab, CAPTURED_NAMESERVER } from '../lab/bench-lab.ts';
import { REPOSITORY } from '../lab/compile.ts';
import { CAPTURED_ENDPOINT, CIPHER, type Peer, stopChild } from './peer.ts';

/** A tunnel of a profile, which can be reloaded; its process tells what it holds. */
export const TSHUTTLE_PROFILE = 'tshuttle-profile';

const NAME = 'bench';
const TSHUTTLE = [process.execPath, join(REPOSITORY, 'bin/tshuttle')];

const folderOf = (lab: BenchLab): string => join(lab.directory, 'profile');

/** Where the process writes what it holds, when it is asked. */
export const resourcesFile = (lab: BenchLab): string => join(folderOf(lab), 'resources.json');

const environmentOf = (lab: BenchLab): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folderOf(lab),
  XDG_CONFIG_HOME: folderOf(lab),
  XDG_RUNTIME_DIR: folderOf(lab),
});

/** Writes its profile; what a round adds to the networks makes each another one. */
async function writeProfile(lab: BenchLab, round: number): Promise<void> {
  const profile = {
    remote: `root@${ADDRESSES.bastion}`,
    identity: [lab.sshd.userKey],
    ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`, `Ciphers=${CIPHER}`],
    subnets: [ADDRESSES.network, `10.99.${round % 256}.0/24`],
    ns_hosts: [CAPTURED_NAMESERVER],
    to_ns: [ADDRESSES.destination],
  };
  await mkdir(join(folderOf(lab), 'tshuttle'), { recursive: true, mode: 0o700 });
  await writeFile(
    join(folderOf(lab), 'tshuttle/config.yaml'),
    JSON.stringify({ profiles: { [NAME]: profile } }),
    { mode: 0o600 },
  );
}

/** Has the tunnel that is up take another profile. */
export async function reload(lab: BenchLab, round: number): Promise<void> {
  await writeProfile(lab, round);
  await lab.client.must([...TSHUTTLE, 'reload', NAME], { env: environmentOf(lab) });
}

/** The `bin/tshuttle` of this checkout, by a profile. */
export const TSHUTTLE_BY_PROFILE: Peer = {
  name: TSHUTTLE_PROFILE,
  seenAs: ADDRESSES.bastionInner,
  maxFlows: 10_000,
  isHelper: (argv) => argv.some((word) => word.includes('tshuttle-helper')),
  start: async (lab) => {
    await writeProfile(lab, 0);
    const child = lab.client.spawn([...TSHUTTLE, 'up', '--foreground', NAME], {
      env: {
        ...environmentOf(lab),
        ...reportingResources(resourcesFile(lab), REPOSITORY),
      },
    });
    await child.untilOutput(/^tshuttle: .* through /m, 15_000);
    return { endpoint: CAPTURED_ENDPOINT, stop: () => stopChild(child) };
  },
};
