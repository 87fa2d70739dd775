// Nova's API, as far as a reader of servers sees it, and where it has a certificate the Keystone in front of it, too.
// Answers as nova-api 26.2.2 did on 2026-11-30 (native-notes/openstack-clients.md): newest first, pages by limit and marker, a full
// page has a next link though nothing may follow, a marker that is gone is 400, a microversion that there is not 406.
// Arguments: port, a JSON file of servers, and perhaps the files of a certificate and its key. Prints its port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import process from 'node:process';

const [port, file, cert, key] = process.argv.slice(2);

/** What Nova gives at most, whatever is asked for (`[api] max_limit`); a cloud may have less. */
const MAX_LIMIT = Number(process.env.NOVA_MAX_LIMIT ?? 1000);

const detail = ({ id, name, addresses }) => ({
  id,
  name,
  status: 'ACTIVE',
  tenant_id: 'demo',
  user_id: 'demo',
  metadata: {},
  image: '',
  flavor: { id: '1', links: [] },
  created: '2026-11-30T13:00:41Z',
  updated: '2026-11-30T13:01:45Z',
  addresses: Object.fromEntries(
    Object.entries(addresses).map(([network, list]) => [
      network,
      list.map(([addr, type = 'fixed']) => ({
        version: addr.includes(':') ? 6 : 4,
        addr,
        'OS-EXT-IPS:type': type,
        'OS-EXT-IPS-MAC:mac_addr': 'fa:16:3e:00:00:01',
      })),
    ]),
  ),
  accessIPv4: '',
  accessIPv6: '',
  links: [{ rel: 'self', href: `http://internal.invalid:8774/v2.1/servers/${id}` }],
  'OS-EXT-STS:vm_state': 'active',
  'os-extended-volumes:volumes_attached': [],
});

const fault = (name, code, message) => [code, { [name]: { code, message } }];

const list = (url, version) => {
  if (!/^compute 2\.(?:[1-9]|[1-8]\d|9[0-3])$/.test(version ?? 'compute 2.1'))
    return fault('computeFault', 406, `Version ${version} is not supported by the API.`);
  // Read anew each time, as servers come and go.
  const servers = JSON.parse(readFileSync(file, 'utf8'));
  const marker = url.searchParams.get('marker');
  const start = marker === null ? 0 : servers.findIndex(({ id }) => id === marker) + 1;
  if (marker !== null && start === 0) return fault('badRequest', 400, `marker [${marker}] not found`);
  const limit = Math.min(Number(url.searchParams.get('limit') ?? MAX_LIMIT), MAX_LIMIT);
  const page = servers.slice(start, start + limit);
  const href = `http://internal.invalid:8774/v2.1/servers/detail?limit=${limit}&marker=${page.at(-1)?.id}`;
  const next = page.length === limit && limit > 0 ? { servers_links: [{ rel: 'next', href }] } : {};
  return [200, { servers: page.map(detail), ...next }];
};

const logIn = (host) => {
  const endpoint = {
    interface: 'public',
    region: 'RegionOne',
    region_id: 'RegionOne',
    url: `https://${host}/v2.1`,
  };
  return [201, { token: { catalog: [{ type: 'compute', name: 'nova', endpoints: [endpoint] }] } }];
};

const answerTo = ({ method, url: path, headers }) => {
  const url = new URL(path, 'http://nova');
  if (cert !== undefined && method === 'POST' && url.pathname === '/v3/auth/tokens')
    return logIn(headers.host);
  if (headers['x-auth-token'] === undefined)
    return fault('unauthorized', 401, 'The request you have made requires authentication.');
  // Whoever only reads asks for this and nothing else.
  if (method !== 'GET' || url.pathname !== '/v2.1/servers/detail')
    return fault('itemNotFound', 404, `${method} ${path}`);
  return list(url, headers['openstack-api-version']);
};

const onRequest = (request, response) => {
  request.resume();
  request.on('end', () => {
    const [status, body] = answerTo(request);
    const headers = { 'content-type': 'application/json', 'x-subject-token': 'tok3n' };
    response.writeHead(status, headers).end(JSON.stringify(body));
    console.log(`${status} ${request.method} ${request.url}`);
  });
};

const server =
  cert === undefined
    ? createServer(onRequest)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, onRequest);
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
