import { chown, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { ORDINARY_USER } from '../lab/machine.ts';
import type { Namespace } from '../lab/namespace.ts';

/** Debian has each major version in a folder of its own. */
const VERSIONS = '/usr/lib/postgresql';

/** Where it listens, and the certificate beside which is its key. */
export interface PostgresqlOptions {
  readonly listenAddress: string;
  readonly certificate: string;
}

/** Starts Debian's own in a namespace, for TCP over TLS only, and waits until it answers. It ends with the lab. */
export async function startPostgresql(
  lab: Lab,
  namespace: Namespace,
  { listenAddress, certificate }: PostgresqlOptions,
): Promise<void> {
  const version = (await readdir(VERSIONS)).sort((one, two) => Number(two) - Number(one))[0] ?? '';
  const folder = join(lab.directory, 'postgresql');
  const [data, key] = [join(folder, 'data'), join(folder, 'tls.key')];
  await mkdir(folder);
  await copyFile(certificate.replace(/\.crt$/, '.key'), key);
  // It refuses to run as root, and with a key that others can read.
  for (const path of [folder, key]) await chown(path, ORDINARY_USER.id, ORDINARY_USER.id);
  const as = { user: ORDINARY_USER.name };
  const bin = join(VERSIONS, version, 'bin');
  const init = ['--auth=trust', '--no-sync', '--no-locale', '--encoding=UTF8'];
  await namespace.must([join(bin, 'initdb'), '-D', data, ...init], as);
  const settings = Object.entries({
    listen_addresses: listenAddress,
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: certificate,
    ssl_key_file: key,
    hba_file: join(folder, 'pg_hba.conf'),
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  await namespace.must(['sh', '-c', `echo 'hostssl all all all trust' >${join(folder, 'pg_hba.conf')}`], as);
  const server = namespace.spawn([join(bin, 'postgres'), '-D', data, ...settings], as);
  await server.untilOutput(/ready to accept connections/, 20_000);
}
