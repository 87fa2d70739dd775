import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import { mustRun } from '../process/child.ts';

/** The three hosts that the cloud's services are on, and their addresses: all of the lab's destination. */
export const CLOUD_HOSTS = {
  api: { name: 'api.cloud.test', address: ADDRESSES.destination4 },
  image: { name: 'image.cloud.test', address: ADDRESSES.otherDestination4 },
  swift: { name: 'swift.cloud.test', address: ADDRESSES.farDestination4 },
} as const;

/** Everything that the cloud knows as a secret; none of it may ever be printed. */
export const CLOUD_SECRETS = [
  'admin-secret',
  'demo-secret',
  'terraform-secret',
  'expired-secret',
  'wrong-secret',
] as const;

/** Every place of RegionOne's public endpoints. */
export const CLOUD_PLACES = [
  `${CLOUD_HOSTS.api.address}:5000`,
  `${CLOUD_HOSTS.api.address}:8774`,
  `${CLOUD_HOSTS.api.address}:9696`,
  `${CLOUD_HOSTS.image.address}:9292`,
  `${CLOUD_HOSTS.swift.address}:8080`,
] as const;

/** A cloud: a real Keystone behind TLS, and canned compute, network, image and object storage. */
export interface Keystone {
  /** clouds.yaml with `demo` (password), `unversioned`, `credential`, `expired`, `wrong`, `untrusted`, `mismatch`. */
  readonly cloudsFile: string;
  /** Of the authority that has signed the certificates of its services. */
  readonly caFile: string;
  /** Of the user `demo`. */
  readonly token: string;
  /** What a client of the cloud needs in its environment. */
  environment(cloud: string): Record<string, string>;
}

const ADMIN_PASSWORD = 'admin-secret';

/** Keystone's own address, which nobody outside has. */
const LOCAL = 'http://127.0.0.1:5001/v3';

/**
 * Starts the cloud in the lab's destination, and lets in nobody but the bastion: the destination drops what comes from
 * other addresses, and the bastion forwards, so that this alone stands between.
 */
export async function startKeystone(lab: Lab): Promise<Keystone> {
  const folder = join(lab.directory, 'cloud');
  await mkdir(folder);
  const caFile = join(folder, 'ca.pem');
  const { api, image, swift } = CLOUD_HOSTS;
  const hosts = [api, image, swift].map(({ name, address }) => `${address} ${name}\n`);
  await appendFile(join(lab.directory, 'etc', 'hosts'), hosts.join(''));
  await admitOnlyBastion(lab);
  await makeCertificates(folder);
  await writeKeystone(folder);
  const configuration = ['--config-file', join(folder, 'keystone.conf')];
  const manage = (words: readonly string[]): Promise<string> =>
    lab.destination.must(['keystone-manage', ...configuration, ...words], { timeoutMs: 300_000 });
  await manage(['db_sync']);
  const url = `https://${api.name}:5000/v3`;
  await manage([
    ...['bootstrap', '--bootstrap-password', ADMIN_PASSWORD, '--bootstrap-region-id', 'RegionOne'],
    ...['--bootstrap-public-url', url, '--bootstrap-internal-url', LOCAL],
  ]);
  await writeFile(join(folder, 'nginx.conf'), nginxConfiguration(folder));
  lab.destination.spawn([
    ...['uwsgi_python3', '--plugin', 'python3', '--master', '--processes', '1', '--threads', '1'],
    ...['--enable-threads', '--die-on-term', '--lazy-apps', '--buffer-size', '65535'],
    ...['--socket', join(folder, 'keystone.sock'), '--chmod-socket=666'],
    ...['--wsgi-file', '/usr/bin/keystone-wsgi-public'],
    ...['--env', `OS_KEYSTONE_CONFIG_FILES=${join(folder, 'keystone.conf')}`],
  ]);
  lab.destination.spawn(['nginx', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']);
  const urls = {
    compute: `https://${api.name}:8774/v2.1`,
    network: `https://${api.name}:9696`,
    image: `https://${image.name}:9292`,
    'object-store': `https://${swift.name}:8080/v1`,
  };
  const filledText = await lab.destination.must(
    ['node', 'test/support/servers/keystone-fill.entry.mjs', LOCAL, ADMIN_PASSWORD, JSON.stringify(urls)],
    { timeoutMs: 300_000 },
  );
  const filled = JSON.parse(filledText) as Filled;
  const cloudsFile = join(folder, 'clouds.yaml');
  await writeFile(cloudsFile, cloudsYaml(url, caFile, filled));
  await writeFile(join(folder, 'secure.yaml'), 'clouds: {demo: {auth: {password: demo-secret}}}\n');
  return {
    cloudsFile,
    caFile,
    token: filled.token,
    environment: (cloud) => ({
      PATH: process.env['PATH'] ?? '',
      HOME: lab.machine.homeOf('root'),
      OS_CLIENT_CONFIG_FILE: cloudsFile,
      OS_CLIENT_SECURE_FILE: join(folder, 'secure.yaml'),
      OS_CLOUD: cloud,
    }),
  };
}

async function admitOnlyBastion(lab: Lab): Promise<void> {
  await lab.bastion.must(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await lab.destination.must(['nft', '-f', '-'], {
    stdin: `table inet allowlist { chain input { type filter hook input priority 0; policy drop;
      iif lo accept
      ct state established,related accept
      ip saddr ${ADDRESSES.bastionInner4} accept
      meta l4proto ipv6-icmp accept
    }
    }
`,
  });
}

async function makeCertificates(folder: string): Promise<void> {
  const openssl = (words: string): Promise<string> => mustRun(['openssl', ...words.split(' ')]);
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  const path = (name: string): string => join(folder, name);
  for (const name of ['ca', 'other-ca'])
    await openssl(
      `req -x509 ${key} -days 30 -subj /CN=${name} -keyout ${path(`${name}.key`)} -out ${path(`${name}.pem`)}`,
    );
  await openssl(`req ${key} -subj /CN=cloud -keyout ${path('server.key')} -out ${path('server.csr')}`);
  const names = Object.values(CLOUD_HOSTS).map(({ name }) => `DNS:${name}`);
  await writeFile(path('server.ext'), `subjectAltName=${names.join(',')}`);
  await openssl(
    `x509 -req -in ${path('server.csr')} -CA ${path('ca.pem')} -CAkey ${path('ca.key')} -CAcreateserial ` +
      `-days 30 -extfile ${path('server.ext')} -out ${path('server.pem')}`,
  );
}

async function writeKeystone(folder: string): Promise<void> {
  for (const keys of ['fernet', 'credential']) {
    await mkdir(join(folder, keys));
    // Fernet keys are base64url, and Keystone wants two.
    for (const name of ['0', '1'])
      await writeFile(join(folder, keys, name), `${randomBytes(32).toString('base64url')}=`, { mode: 0o600 });
    await chmod(join(folder, keys), 0o700);
  }
  // Without the cache, as with more than one thread, sqlite says "database is locked" (seen with Keystone 22.0.2).
  await writeFile(
    join(folder, 'keystone.conf'),
    `[DEFAULT]
log_file = ${folder}/keystone.log
public_endpoint = https://${CLOUD_HOSTS.api.name}:5000
[database]
connection = sqlite:///${folder}/keystone.db
sqlite_synchronous = false
[token]
provider = fernet
[fernet_tokens]
key_repository = ${folder}/fernet
[fernet_receipts]
key_repository = ${folder}/fernet
[credential]
key_repository = ${folder}/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = oslo_cache.dict
`,
  );
}

function nginxConfiguration(folder: string): string {
  const { api, image, swift } = CLOUD_HOSTS;
  const keystone = `include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME ""; uwsgi_read_timeout 120s; uwsgi_pass unix:${folder}/keystone.sock;`;
  const json = (path: string, data: unknown, needsToken = true): string =>
    `location = ${path} { ${needsToken ? 'if ($http_x_auth_token = "") { return 401; } ' : ''}default_type application/json; return 200 '${JSON.stringify(data)}'; }`;
  const self = (href: string): unknown => [{ rel: 'self', href }];
  const nova = {
    id: 'v2.1',
    status: 'CURRENT',
    version: '2.1',
    min_version: '2.1',
    links: self(`https://${api.name}:8774/v2.1/`),
  };
  const server = {
    id: '11111111-2222-3333-4444-555555555555',
    name: 'web-1',
    status: 'ACTIVE',
    image: '',
    flavor: { id: '1', links: [] },
    addresses: {},
    links: [],
  };
  const listen = (address: string, port: number, locations: readonly string[]): string =>
    `server { listen ${address}:${port} ssl; ${locations.join(' ')} }`;
  return `worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.error; user root;
events { worker_connections 256; }
http {
  access_log ${folder}/access.log; keepalive_timeout 60s;
  client_body_temp_path ${folder}/tmp; proxy_temp_path ${folder}/tmp; uwsgi_temp_path ${folder}/tmp;
  fastcgi_temp_path ${folder}/tmp; scgi_temp_path ${folder}/tmp;
  ssl_certificate ${folder}/server.pem; ssl_certificate_key ${folder}/server.key;
  server { listen 127.0.0.1:5001; location / { ${keystone} } }
  ${listen(api.address, 5000, [`location / { ${keystone} uwsgi_param HTTP_X_FORWARDED_PROTO https; }`])}
  ${listen(api.address, 8774, [
    json('/', { versions: [nova] }, false),
    json('/v2.1', { version: nova }, false),
    json('/v2.1/', { version: nova }, false),
    json('/v2.1/servers/detail', { servers: [server] }),
    json('/v2.1/flavors/detail', { flavors: [] }),
  ])}
  ${listen(api.address, 9696, [
    json(
      '/',
      { versions: [{ id: 'v2.0', status: 'CURRENT', links: self(`https://${api.name}:9696/v2.0/`) }] },
      false,
    ),
    json('/v2.0/networks', { networks: [{ id: '1', name: 'public', subnets: [], status: 'ACTIVE' }] }),
  ])}
  ${listen(image.address, 9292, [
    json(
      '/',
      { versions: [{ id: 'v2.9', status: 'CURRENT', links: self(`https://${image.name}:9292/v2/`) }] },
      false,
    ),
    json('/v2/images', { images: [{ id: '2', name: 'debian-12', status: 'active' }] }),
  ])}
  ${listen(swift.address, 8080, [
    json('/v1', []),
    // Minutes long.
    `location = /slow { limit_rate_after 600; limit_rate 1; return 200 '${'slow '.repeat(500)}'; }`,
    // Where Terraform may keep its state.
    `location /state/ { root ${folder}; dav_methods PUT; create_full_put_path on; }`,
  ])}
}
`;
}

/** What keystone-fill.entry.mjs prints: the ids of application credentials, and a token. */
interface Filled {
  readonly valid: string;
  readonly expired: string;
  readonly token: string;
}

function cloudsYaml(url: string, caFile: string, { valid, expired }: Filled): string {
  const user = 'username: demo, project_name: demo, user_domain_name: Default, project_domain_name: Default';
  const password = (auth: string, cacert = caFile): string =>
    `{auth: {${auth}}, region_name: RegionOne, identity_api_version: 3, cacert: ${cacert}}`;
  const credential = (id: string, secret: string): string =>
    `{auth_type: v3applicationcredential, auth: {auth_url: '${url}', application_credential_id: ${id}, application_credential_secret: ${secret}}, region_name: RegionOne, cacert: ${caFile}}`;
  return `clouds:
  demo: ${password(`auth_url: '${url}', ${user}`)}
  unversioned: ${password(`auth_url: '${url.replace('/v3', '')}', ${user}, password: demo-secret`)}
  credential: ${credential(valid, 'terraform-secret')}
  expired: ${credential(expired, 'expired-secret')}
  wrong: ${password(`auth_url: '${url}', ${user}, password: wrong-secret`)}
  untrusted: ${password(`auth_url: '${url}', ${user}, password: demo-secret`, caFile.replace('ca.pem', 'other-ca.pem'))}
  mismatch: ${password(`auth_url: 'https://${CLOUD_HOSTS.api.address}:5000/v3', ${user}, password: demo-secret`)}
`;
}
