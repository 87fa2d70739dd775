// Nova's API, as far as a reader of servers sees it, and where it has a certificate the Keystone in front of it, too.
// Answers as nova-api 26.2.2 behind Keystone 22.0.2 did on 2026-11-30 (native-notes/nova-servers.md): newest first, pages by limit and
// marker, a full page has a next link though nothing may follow, a marker that is gone is 400, a microversion that there is not 406.
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

/** The one token that there is where we are Keystone, too. */
const TOKEN = 'tok3n';

const fault = (name, code, message) => [code, { [name]: { code, message } }, FAULT];
const FAULT = 'application/json; charset=UTF-8';

/** As keystonemiddleware answers in front of Nova, to no token and to one that is wrong or too old. */
const unauthorized = () => {
  const message = 'The request you have made requires authentication.';
  return [401, { error: { code: 401, title: 'Unauthorized', message } }];
};

/** What is wrong with a microversion that is asked for; one of another service is none of ours. */
const faultOfVersion = (header = '') => {
  const [, version = 'latest'] = /^compute (.*)$/.exec(header) ?? [];
  const [, minor] = /^2\.(\d+)$/.exec(version) ?? [];
  if (version === 'latest' || (minor >= 1 && minor <= 93)) return undefined;
  return /^\d+\.\d+$/.test(version)
    ? fault(
        'computeFault',
        406,
        `Version ${version} is not supported by the API. Minimum is 2.1 and maximum is 2.93.`,
      )
    : fault(
        'badRequest',
        400,
        `API Version String ${version} is of invalid format. Must be of format MajorNum.MinorNum.`,
      );
};

const list = (url) => {
  // Read anew each time, as servers come and go.
  const servers = JSON.parse(readFileSync(file, 'utf8'));
  const asked = url.searchParams.get('limit') ?? '';
  if (!/^[0-9]*$/.test(asked)) {
    const what = `Value: ${asked}. '${asked}' does not match '^[0-9]*$'`;
    return fault('badRequest', 400, `Invalid input for query parameters limit. ${what}`);
  }
  const marker = url.searchParams.get('marker') ?? '';
  const start = marker === '' ? 0 : servers.findIndex(({ id }) => id === marker) + 1;
  if (marker !== '' && start === 0) return fault('badRequest', 400, `marker [${marker}] not found`);
  const limit = Math.min(asked === '' ? MAX_LIMIT : Number(asked), MAX_LIMIT);
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
  const token = headers['x-auth-token'];
  if (token === undefined || (cert !== undefined && token !== TOKEN)) return unauthorized();
  // Whoever only reads asks for this and nothing else.
  if (method !== 'GET' || url.pathname !== '/v2.1/servers/detail')
    return [404, '<html>404 Not Found</html>', 'text/html; charset=UTF-8'];
  return faultOfVersion(headers['openstack-api-version']) ?? list(url);
};

const onRequest = (request, response) => {
  request.resume();
  request.on('end', () => {
    const [status, body, type = 'application/json'] = answerTo(request);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { 'content-type': type, ...(status === 201 ? { 'x-subject-token': TOKEN } : {}) };
    response.writeHead(status, headers).end(text);
    console.log(`${status} ${request.method} ${request.url}`);
  });
};

const server =
  cert === undefined
    ? createServer(onRequest)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, onRequest);
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
