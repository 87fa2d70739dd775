import type { OptionRow } from './row.ts';

/** What stands on a command line without an option. */
export const ARGUMENTS = {
  subnets: {
    kind: 'list',
    flags: 'SUBNET',
    value: 'SUBNET',
    type: 'subnet',
    partOf: 'subnets',
    reload: 'at once',
    help:
      'what to capture: 10.0.0.0/24, 10.1.2.3, 0/0, 2001:db8::/32, db.example.com; with ports ' +
      '10.0.0.0/8:443, 10.0.0.0/8:8000-9000, [2001:db8::/32]:443, db.example.com:5432',
    profile: {
      key: 'subnets',
      item: '10.0.0.0/8, 10.0.0.0/8:443, db.example.com:5432',
      description: 'what is captured',
    },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Networks that are captured, and those that never are. */
export const NETWORK_OPTIONS = {
  subnetFiles: {
    kind: 'list',
    flags: '-s, --subnets',
    value: 'FILE',
    type: 'subnetFile',
    mayBeInput: true,
    partOf: 'subnets',
    reload: 'at once',
    help: 'take subnets from FILE, one on a line, # begins a comment; - is standard input',
    profile: {
      key: 'subnets_from',
      item: 'a file, one subnet on a line',
      description: 'files with subnets, as -s',
    },
  },
  excludes: {
    kind: 'list',
    flags: '-x, --exclude',
    value: 'SUBNET',
    type: 'exclude',
    partOf: 'subnets',
    reload: 'at once',
    help: 'never capture SUBNET; the narrower port range wins, then the longer prefix; repeatable',
    profile: {
      key: 'excludes',
      item: '10.0.0.0/8, gate.example.com',
      description: 'what is never captured, as -x',
    },
  },
  excludeFiles: {
    kind: 'list',
    flags: '-X, --exclude-from',
    value: 'FILE',
    type: 'excludeFile',
    mayBeInput: true,
    partOf: 'subnets',
    reload: 'at once',
    help: 'take subnets that are never captured from FILE',
    profile: {
      key: 'excludes_from',
      item: 'a file, one subnet on a line',
      description: 'files with excludes, as -X',
    },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Which addresses are captured at all. */
export const FAMILY_OPTIONS = {
  ipv6: {
    kind: 'flag',
    flags: '--disable-ipv6',
    otherwise: true,
    help: 'capture IPv4 only',
    profile: { key: 'ipv6', description: 'as --disable-ipv6 where it is false' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** A cloud whose API is captured. */
export const CLOUD_OPTIONS = {
  openstack: {
    kind: 'optional',
    flags: '--openstack',
    value: 'CLOUD',
    type: 'cloud',
    partOf: 'openstack',
    help:
      'capture the API of a cloud of clouds.yaml or OS_*: the host of its auth_url, no secret is used ' +
      '(default: OS_CLOUD)',
    profile: {
      key: 'openstack',
      description: 'the cloud whose API is captured, or true for that of OS_CLOUD, as --openstack',
    },
  },
  openstackCatalog: {
    kind: 'optional',
    flags: '--openstack-catalog',
    value: 'FROM',
    type: 'catalog',
    mayBeInput: true,
    needs: '--openstack',
    partOf: 'openstack',
    help:
      'capture the endpoints in its catalog, and nothing else: a FILE or - with the output of `openstack catalog list ' +
      '-f json`, or cli to run that; without FROM its token, application credential or password asks',
    profile: {
      key: 'openstack_catalog',
      description:
        'captures the endpoints in its catalog: true asks by its credentials; cli, or a file, as --openstack-catalog',
    },
  },
  openstackInterface: {
    kind: 'choice',
    flags: '--openstack-interface',
    value: 'INTERFACE',
    choices: ['public', 'internal', 'admin'],
    needs: '--openstack',
    partOf: 'openstack',
    help: 'of the catalog: public, internal or admin (default: that of the cloud, public)',
    profile: { key: 'openstack_interface', description: 'as --openstack-interface' },
  },
  openstackRegion: {
    kind: 'text',
    flags: '--openstack-region',
    value: 'REGION',
    type: 'word',
    needs: '--openstack',
    partOf: 'openstack',
    help: 'of the catalog (default: OS_REGION_NAME, else that of the cloud)',
    profile: { key: 'openstack_region', description: 'as --openstack-region' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
