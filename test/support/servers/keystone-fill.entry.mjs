// Fills a Keystone that was just bootstrapped: services, a project, a user, application credentials.
// Arguments: the URL of its v3 API, the administrator's password, and as JSON the public URLs by type of service.
import process from 'node:process';

const [base, password, urlsText] = process.argv.slice(2);
let token;

const call = async (method, path, body, as = token) => {
  const response = await fetch(base + path, {
    method,
    headers: { 'content-type': 'application/json', ...(as === undefined ? {} : { 'x-auth-token': as }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return { headers: response.headers, data: text === '' ? {} : JSON.parse(text) };
};

/** nginx is up before Keystone, which takes some seconds to load. */
const untilUp = async () => {
  const deadlineMs = performance.now() + 200_000;
  for (;;) {
    try {
      if ((await fetch(base)).ok) return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    if (performance.now() > deadlineMs) throw new Error('Keystone does not answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const logIn = async (name, secret, project) => {
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name, domain, password: secret } } };
  const body = { auth: { identity, scope: { project: { name: project, domain } } } };
  return (await call('POST', '/auth/tokens', body, undefined)).headers.get('x-subject-token');
};

await untilUp();
token = await logIn('admin', password, 'admin');
await call('POST', '/regions', { region: { id: 'RegionTwo' } });
for (const [type, url] of Object.entries(JSON.parse(urlsText))) {
  const service_id = (await call('POST', '/services', { service: { type, name: type } })).data.service.id;
  const add = (endpoint) => call('POST', '/endpoints', { endpoint: { service_id, ...endpoint } });
  await add({ interface: 'public', url, region_id: 'RegionOne' });
  await add({ interface: 'internal', url: 'http://10.255.0.5:1', region_id: 'RegionOne' });
  if (type === 'compute')
    await add({ interface: 'public', url: 'https://compute.two.invalid:8774/v2.1', region_id: 'RegionTwo' });
}
const domain_id = 'default';
const project = (await call('POST', '/projects', { project: { name: 'demo', domain_id } })).data.project;
const user = (
  await call('POST', '/users', {
    user: { name: 'demo', password: 'demo-secret', domain_id },
  })
).data.user;
const { roles } = (await call('GET', '/roles')).data;
const member = roles.find(({ name }) => name === 'member');
await call('PUT', `/projects/${project.id}/users/${user.id}/roles/${member.id}`);
const own = await logIn('demo', 'demo-secret', 'demo');
const credential = async (name, more) =>
  (
    await call(
      'POST',
      `/users/${user.id}/application_credentials`,
      { application_credential: { name, secret: `${name}-secret`, ...more } },
      own,
    )
  ).data.application_credential.id;
const valid = await credential('terraform', {});
// Keystone takes none that is over already: this one is in a few seconds.
const expires_at = new Date(Date.now() + 10_000).toISOString().replace('Z', '000');
const expired = await credential('expired', { expires_at });
// A token that an application credential was made with is as good as before.
console.log(JSON.stringify({ valid, expired, token: own }));
