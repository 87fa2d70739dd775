import { mustRun, runCommand } from '../process/child.ts';

/** What is booted, what tshuttle needs (nft, sudo), and what Node.js is linked with. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'systemd-resolved', 'libnss-resolve'],
  ...['dbus', 'dbus-user-session', 'libpam-systemd'],
  ...['nftables', 'iproute2', 'sudo', 'libstdc++6', 'libatomic1'],
];

const DEADLINE_SECONDS = 270;

/** For the hook of a test that boots a system: making its root may come first, and waiting for another system to end. */
export const BOOT_HOOK_TIMEOUT_MS = 600_000;

/** Held by the system that is booted on this machine, be it in a root of its own; in the folder of the roots. */
export const BOOT_LOCK = '/var/cache/tshuttle-tests/booted';

/**
 * The root of a small Debian with systemd, not to be written to: of this machine's release, made where it is missing (see
 * .ci/debian-root), which takes about a minute.
 */
export async function systemRoot(): Promise<string> {
  const suite = await mustRun(['sh', '-c', '. /etc/os-release && echo "$VERSION_CODENAME"']);
  const packages = [...PACKAGES, ...(await packagesOfNode())];
  const make = ['bash', '.ci/debian-root', String(DEADLINE_SECONDS), suite.trim(), ...packages];
  return (await mustRun(make, { timeoutMs: (DEADLINE_SECONDS + 20) * 1_000 })).trim();
}

/** Debian's own Node.js is a small program; its libraries and scripts come with its package only. */
async function packagesOfNode(): Promise<readonly string[]> {
  const { stdout } = await runCommand(['ldd', process.execPath]);
  return stdout.includes('libnode.so') ? ['nodejs'] : [];
}
