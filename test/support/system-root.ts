import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, runCommand } from './child.ts';

/** Kept from run to run: making one takes about a minute. */
const CACHE_FOLDER = '/var/cache/tshuttle-tests';

/** What is booted, what tshuttle needs (nft, sudo), and what Node.js is linked with. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'systemd-resolved', 'libnss-resolve'],
  ...['dbus', 'dbus-user-session', 'libpam-systemd'],
  ...['nftables', 'iproute2', 'sudo', 'libstdc++6', 'libatomic1'],
];

const DEADLINE_MS = 280_000;

/** For the hook of a test that boots a system: making its root may come first. */
export const BOOT_HOOK_TIMEOUT_MS = 300_000;

/** Argument by argument: lock, root, suite, mirror, packages. Whoever comes second finds it made. */
const MAKE = `
  [ -d "$1" ] && exit
  rm -rf "$1".new
  nice debootstrap --variant=minbase --include="$4" "$2" "$1".new "$3" >"$1".log 2>&1 || { tail "$1".log >&2; exit 1; }
  rm -rf "$1".new/var/cache/apt/archives/*.deb
  mv "$1".new "$1"
`;

/**
 * The root of a small Debian with systemd, not to be written to. Made where it is missing, of this machine's release and
 * from the mirror that its apt uses; one with other packages is another root.
 */
export async function systemRoot(): Promise<string> {
  const { suite, mirror } = await debianSource();
  const packages = [...PACKAGES, ...(await packagesOfNode())];
  const key = createHash('sha256')
    .update(JSON.stringify([suite, packages, MAKE]))
    .digest('hex')
    .slice(0, 12);
  const root = join(CACHE_FOLDER, `${suite}-${key}`);
  if (existsSync(root)) return root;
  await mkdir(CACHE_FOLDER, { recursive: true });
  const make = ['sh', '-c', MAKE, 'sh', root, suite, mirror, packages.join(',')];
  const env = { PATH: process.env['PATH'] ?? '', ...(await proxyOfApt()) };
  await mustRun(['flock', join(CACHE_FOLDER, 'lock'), ...make], { timeoutMs: DEADLINE_MS, env });
  return root;
}

/** Debian's own Node.js is a small program; its libraries and scripts come with its package only. */
async function packagesOfNode(): Promise<readonly string[]> {
  const { stdout } = await runCommand(['ldd', process.execPath]);
  return stdout.includes('libnode.so') ? ['nodejs'] : [];
}

async function debianSource(): Promise<{ suite: string; mirror: string }> {
  const suite = (await mustRun(['sh', '-c', '. /etc/os-release && echo "$VERSION_CODENAME"'])).trim();
  const targets = await mustRun(['apt-get', 'indextargets', '--format', '$(RELEASE) $(COMPONENT) $(SITE)']);
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([release, component]) => release === suite && component === 'main')?.[2];
  if (mirror === undefined) throw new Error(`apt has no source of ${suite} main:\n${targets}`);
  return { suite, mirror };
}

async function proxyOfApt(): Promise<Record<string, string>> {
  const line = await mustRun(['apt-config', 'shell', 'proxy', 'Acquire::http::Proxy']);
  const proxy = /^proxy='(.*)'$/m.exec(line)?.[1];
  return proxy === undefined ? {} : { http_proxy: proxy };
}
