import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';

const TOOLS = [
  ...['ip', 'nft', 'iptables', 'sshd', 'ssh', 'ssh-keygen'],
  ...['setpriv', 'mount', 'nsenter', 'unshare', 'sudo'],
];

function isOnPath(tool: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Says what the lab lacks on this machine, in one line, or undefined when it can be built.
 */
export function missingForLab(): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux';
  if (process.getuid?.() !== 0) return 'the lab needs root (network namespaces, a real sshd)';
  const missing = TOOLS.filter((tool) => !isOnPath(tool));
  return missing.length === 0
    ? undefined
    : `the lab needs ${missing.join(', ')} (bash .ci/install-packages test)`;
}

/**
 * Why lab tests are skipped on this machine: `describe.skipIf(skipLab)('...')`. False when they run, and also with
 * TSHUTTLE_LAB=require: then they run into the failure, which says what is missing.
 */
export const skipLab: boolean = decideToSkip();

function decideToSkip(): boolean {
  const missing = missingForLab();
  if (missing === undefined || process.env['TSHUTTLE_LAB'] === 'require') return false;
  console.warn(`lab tests are skipped: ${missing}`);
  return true;
}

/** Whether this kernel is older than that. */
export function isBeforeLinux(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release().split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** Whether tests of `run --isolated` are skipped, as {@link skipLab}: where users may make no namespaces. */
export const skipIsolated: boolean = skipLab || mayMakeNoNamespace();

function mayMakeNoNamespace(): boolean {
  const anybody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const { status } = spawnSync('setpriv', [
    ...anybody,
    'unshare',
    '--user',
    '--map-root-user',
    '--net',
    'true',
  ]);
  if (status === 0 || process.env['TSHUTTLE_LAB'] === 'require') return false;
  console.warn('tests of run --isolated are skipped: users may make no namespaces on this machine');
  return true;
}

/** The Python that has openstacksdk and the openstack command, of python3-openstackclient; undefined where it is not. */
export const openstackClient: { readonly python: string } | undefined = findOpenstackClient();

function findOpenstackClient(): { readonly python: string } | undefined {
  const found =
    existsSync('/usr/bin/python3') && existsSync('/usr/lib/python3/dist-packages/openstackclient');
  if (found || process.env['TSHUTTLE_LAB'] === 'require') return { python: '/usr/bin/python3' };
  console.warn(
    'tests against openstacksdk are skipped: python3-openstackclient is not installed (bash .ci/install-packages test)',
  );
  return undefined;
}

/** Whether tests against a real Keystone are skipped on this machine, as {@link skipLab}. */
export const skipKeystone: boolean = skipLab || openstackClient === undefined || lacksKeystone();

function lacksKeystone(): boolean {
  const missing = ['keystone-manage', 'uwsgi_python3', 'nginx', 'openssl', 'go'].filter(
    (tool) => !isOnPath(tool),
  );
  if (missing.length === 0 || process.env['TSHUTTLE_LAB'] === 'require') return false;
  console.warn(
    `tests against Keystone are skipped: ${missing.join(', ')} missing (bash .ci/install-packages test)`,
  );
  return true;
}

/** Whether tests with terraform are skipped on this machine; no package of Debian has it. */
export const skipTerraform: boolean = skipKeystone || lacksTerraform();

function lacksTerraform(): boolean {
  if (isOnPath('terraform')) return false;
  console.warn('tests with terraform are skipped: it is not installed');
  return true;
}
