/** One way to have a cloud in files and the environment. */
export interface CloudCase {
  readonly what: string;
  /** By path: `work/` is the working directory, `home/` the home folder, `xdg/` $XDG_CONFIG_DIRS. */
  readonly files: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** As in `--openstack CLOUD`. */
  readonly cloud?: string;
  /** The auth_url that openstacksdk takes; undefined for none. */
  readonly authUrl: string | undefined;
  /** That of the openstack command, where it is another. */
  readonly ofCommandLine?: string | undefined;
  readonly region?: string;
  readonly interface?: string;
  readonly cacert?: string;
  readonly isInsecure?: boolean;
  /** Whether a token can be asked for with what the cloud has; it is compared then. */
  readonly asksWith?: 'what the SDK asks with' | 'nothing';
}

export const SECRETS =
  'username: me, password: secret, project_name: p, user_domain_name: d, project_domain_name: d';
export const OF_USER = {
  OS_USERNAME: 'me',
  OS_PASSWORD: 'secret',
  OS_PROJECT_NAME: 'p',
  OS_USER_DOMAIN_NAME: 'd',
  OS_PROJECT_DOMAIN_NAME: 'd',
};

/** An entry of clouds.yaml; `rest` are more lines of it. */
export const cloud = (name: string, rest = '', url = `https://${name}.example:5000/v3`): string =>
  `  ${name}:\n    auth: {${url === '' ? '' : `auth_url: '${url}', `}${SECRETS}}\n${rest}`;

/** A clouds.yaml. */
export const clouds = (...entries: readonly string[]): string => `clouds:\n${entries.join('')}`;

export const HOME_FILE = 'home/.config/openstack/clouds.yaml';
export const A = 'https://a.example:5000/v3';
export const ENVIRONMENT = 'https://env.example:5000/v3';

/** A cloud in one region, with these lines. */
const withLines = (...lines: readonly string[]): Pick<CloudCase, 'files' | 'authUrl' | 'region'> => ({
  files: {
    [HOME_FILE]: clouds(cloud('a', ['region_name: one', ...lines].map((line) => `    ${line}\n`).join(''))),
  },
  authUrl: A,
  region: 'one',
});

/** What is said of one service alone, and of several interfaces. */
export const SERVICE_CASES: readonly CloudCase[] = [
  { what: 'interface: a list', ...withLines('interface: [internal, public]') },
  { what: 'interface: a list, the other way round', ...withLines('interface: [public, internal]') },
  { what: 'interface: a list of one', ...withLines('interface: [internal]') },
  { what: 'interface: with names of nothing', ...withLines('interface: [nowhere, admin]') },
  { what: 'endpoint_type: a list', ...withLines('endpoint_type: [admin, public]') },
  { what: 'interface: internalURL', ...withLines('interface: internalURL') },
  { what: 'SERVICE_interface', ...withLines('compute_interface: internal') },
  { what: 'SERVICE_interface: a list', ...withLines('image_interface: [admin, internal]') },
  {
    what: 'SERVICE_interface before interface',
    ...withLines('interface: internal', 'compute_interface: public'),
  },
  { what: 'SERVICE_endpoint_type', ...withLines('compute_endpoint_type: internal') },
  { what: 'SERVICE_interface by a former name', ...withLines('volume_interface: internal') },
  { what: 'SERVICE_interface by its name of today', ...withLines('block_storage_interface: internal') },
  {
    what: 'SERVICE_interface by both',
    ...withLines('volumev3_interface: public', 'block_storage_interface: internal'),
  },
  {
    what: 'SERVICE_endpoint_override',
    ...withLines('compute_endpoint_override: https://nova.example:1/v2.1'),
  },
  {
    what: 'SERVICE-endpoint-override',
    ...withLines('compute-endpoint-override: https://nova.example:1/v2.1'),
  },
  {
    what: 'SERVICE_endpoint_override with a template',
    ...withLines("block_storage_endpoint_override: 'https://cinder.example:2/v3/%(project_id)s'"),
  },
  {
    what: 'SERVICE_endpoint_override by a former name',
    ...withLines('volumev2_endpoint_override: https://cinder.example:2/v3'),
  },
  {
    what: 'SERVICE_endpoint_override and SERVICE_interface',
    ...withLines("image_endpoint_override: 'http://[2001:db8::2]:9292'", 'image_interface: internal'),
  },
  { what: 'SERVICE_endpoint', ...withLines('image_endpoint: https://glance.example') },
  {
    what: 'SERVICE_endpoint and SERVICE_endpoint_override',
    ...withLines('image_endpoint: https://glance.example', 'image_endpoint_override: https://other.example'),
  },
  { what: 'SERVICE_region_name', ...withLines('compute_region_name: two') },
  { what: 'SERVICE_region_name of no region', ...withLines('compute_region_name: three') },
  {
    what: 'SERVICE_endpoint_override in a profile, and in the cloud',
    files: {
      [HOME_FILE]: clouds(
        cloud('a', '    profile: v\n    region_name: one\n    image_endpoint_override: https://g.example\n'),
      ),
      'work/clouds-public.yaml':
        'public-clouds: {v: {image_endpoint_override: https://p.example, compute_interface: internal}}',
    },
    authUrl: A,
  },
  {
    what: 'SERVICE_endpoint_override in secure.yaml',
    files: {
      ...withLines().files,
      'work/secure.yaml': 'clouds: {a: {compute_endpoint_override: https://hidden.example}}',
    },
    authUrl: A,
  },
  {
    what: 'interface of one region',
    files: {
      [HOME_FILE]: clouds(
        cloud('a', '    regions: [{name: one, values: {interface: internal, image_interface: public}}]\n'),
      ),
    },
    authUrl: A,
    region: 'one',
  },
  {
    what: 'OS_SERVICE_ENDPOINT_OVERRIDE and OS_INTERFACE',
    files: {},
    environment: {
      ...OF_USER,
      OS_AUTH_URL: ENVIRONMENT,
      OS_REGION_NAME: 'one',
      OS_INTERFACE: 'internal',
      OS_COMPUTE_ENDPOINT_OVERRIDE: 'https://nova.example:1',
    },
    authUrl: ENVIRONMENT,
  },
];

/** A cloud whose auth has these, and no project. */
const withAuth = (auth: string, rest = ''): Pick<CloudCase, 'files' | 'authUrl' | 'asksWith'> => ({
  files: {
    [HOME_FILE]: `clouds:\n  a:\n    auth: {auth_url: '${A}', username: me, password: secret, user_domain_name: d, ${auth}}\n${rest}`,
  },
  authUrl: A,
  asksWith: 'what the SDK asks with',
});

const applicationCredential = (auth: string): Pick<CloudCase, 'files' | 'authUrl' | 'asksWith'> => ({
  files: {
    [HOME_FILE]: `clouds: {a: {auth_type: v3applicationcredential, auth: {auth_url: '${A}', application_credential_secret: s, ${auth}}}}`,
  },
  authUrl: A,
  asksWith: 'what the SDK asks with',
});

/** What a token is asked for with, and what it is for. */
export const SCOPE_CASES: readonly CloudCase[] = [
  { what: 'system_scope', ...withAuth('system_scope: all') },
  { what: 'system_scope outside of auth', ...withAuth('', '    system_scope: all\n') },
  { what: 'system_scope of something else', ...withAuth('system_scope: compute') },
  { what: 'system_scope and a project', ...withAuth('system_scope: all, project_id: p') },
  { what: 'trust_id', ...withAuth('trust_id: t1') },
  { what: 'trust_id outside of auth', ...withAuth('', '    trust_id: t1\n') },
  { what: 'trust_id and a project', ...withAuth('trust_id: t1, project_id: p'), asksWith: 'nothing' },
  { what: 'trust_id and a domain', ...withAuth('trust_id: t1, domain_id: x'), asksWith: 'nothing' },
  { what: 'a domain by its name', ...withAuth('domain_name: x') },
  { what: 'a domain by its id', ...withAuth('domain_id: x') },
  { what: 'a project by its id', ...withAuth('project_id: 123') },
  { what: 'a project by its name and the domain of all', ...withAuth('project_name: p, domain_name: x') },
  { what: 'a tenant', ...withAuth('tenant_name: p, project_domain_id: x') },
  { what: 'no scope', ...withAuth('') },
  {
    what: 'a user by the id',
    files: {
      [HOME_FILE]: `clouds: {a: {auth: {auth_url: '${A}', user_id: u, password: secret, project_id: p}}}`,
    },
    authUrl: A,
    asksWith: 'what the SDK asks with',
  },
  { what: 'an application credential by its id', ...applicationCredential('application_credential_id: i') },
  {
    what: 'an application credential by its name',
    ...applicationCredential('application_credential_name: i, username: me, user_domain_name: d'),
  },
];

/** Services in two regions, with one interface or three, each at a place of its own. */
export const CATALOG = ['compute', 'image', 'volumev3', 'network'].map((type, service) => ({
  type,
  name: type,
  id: type,
  endpoints: ['one', 'two'].flatMap((region, at) =>
    (type === 'network' ? ['public'] : ['public', 'internal', 'admin']).map((name, index) => ({
      id: `${service}${at}${index}`,
      interface: name,
      region,
      region_id: region,
      url: `https://${type}.${name}.${region}.example:${1000 + 100 * service + 10 * at + index}/v1`,
    })),
  ),
}));
