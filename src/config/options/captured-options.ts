import type { OptionRow } from './row.ts';

/** What stands on a command line without an option. */
export const ARGUMENTS = {
  subnets: {
    kind: 'list',
    flags: 'SUBNET',
    type: 'subnet',
    partOf: 'subnets',
    help:
      'what to capture: 10.0.0.0/24, 10.1.2.3, 0/0, 2001:db8::/32, db.example.com; with ports ' +
      '10.0.0.0/8:443, 10.0.0.0/8:8000-9000, [2001:db8::/32]:443, db.example.com:5432',
    item: '10.0.0.0/8, 10.0.0.0/8:443, db.example.com:5432',
    profile: { key: 'subnets', description: 'what is captured' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** What is captured: networks, names, queries, clouds. */
export const CAPTURED_OPTIONS = {
  subnetFiles: {
    kind: 'list',
    flags: '-s, --subnets <FILE>',
    type: 'subnetFile',
    mayBeInput: true,
    partOf: 'subnets',
    help: 'take subnets from FILE, one on a line, # begins a comment; - is standard input',
    item: 'a file, one subnet on a line',
    profile: { key: 'subnets_from', description: 'files with subnets, as -s' },
  },
  excludes: {
    kind: 'list',
    flags: '-x, --exclude <SUBNET>',
    type: 'exclude',
    partOf: 'subnets',
    help: 'never capture SUBNET; the narrower port range wins, then the longer prefix; repeatable',
    item: '10.0.0.0/8, gate.example.com',
    profile: { key: 'excludes', description: 'what is never captured, as -x' },
  },
  excludeFiles: {
    kind: 'list',
    flags: '-X, --exclude-from <FILE>',
    type: 'excludeFile',
    mayBeInput: true,
    partOf: 'subnets',
    help: 'take subnets that are never captured from FILE',
    item: 'a file, one subnet on a line',
    profile: { key: 'excludes_from', description: 'files with excludes, as -X' },
  },
  autoNets: {
    kind: 'flag',
    flags: '-N, --auto-nets',
    otherwise: false,
    help:
      "capture the networks in the bastion's routing table, too, if it may run a command there; asked for once, when the tunnel " +
      'opens (tshuttle help subnets)',
    profile: {
      key: 'auto_nets',
      description: "whether the networks in the bastion's routing table are captured, too, as -N",
    },
  },
  maps: {
    kind: 'list',
    flags: '--map <NETWORK=NETWORK>',
    type: 'networkMap',
    partOf: 'maps',
    help:
      'capture the second network, and carry its connections to the first, whose addresses are in use here for something else; names in zones get ' +
      'addresses of the second; repeatable',
    item: '10.1.0.0/16=10.201.0.0/16',
    profile: {
      key: 'maps',
      description: 'networks behind the bastion, and those that stand for them here, as --map',
    },
  },
  zones: {
    kind: 'list',
    flags: '--domain <ZONE>',
    type: 'zone',
    partOf: 'dns',
    help:
      'capture names of this zone, which the bastion or --to-ns resolves, and no others: ' +
      'internal.example, or *.internal.example for names below it; repeatable',
    item: 'internal.example, *.internal.example',
    profile: { key: 'zones', description: 'zones whose names the bastion resolves, as --domain' },
  },
  resolve: {
    kind: 'choice',
    flags: '--resolve <WHO>',
    choices: ['auto', 'bastion'],
    otherwise: 'auto',
    partOf: 'dns',
    help: 'bastion: connect to names in zones by name, and never ask --to-ns for them (default: auto)',
    profile: { key: 'resolve', description: 'who resolves names in zones, as --resolve' },
  },
  syntheticRanges: {
    kind: 'commas',
    flags: '--synthetic-range <NETWORK[,...]>',
    type: 'syntheticRanges',
    partOf: 'dns',
    // Taken from this machine when the tunnel opens.
    isKeptByReload: true,
    help:
      'networks for the addresses that stand for names: IPv4, IPv6 or both ' +
      '(default: 198.18.0.0/15,fd9b:4e27:6cd1::/96)',
    item: 'a network',
    profile: {
      key: 'synthetic_range',
      description: 'networks for the addresses that stand for names, as --synthetic-range',
    },
  },
  hosts: {
    kind: 'list',
    flags: '--host <NAME=IP>',
    type: 'hostAddress',
    partOf: 'dns',
    help: 'answer DNS queries for this name with this address; repeatable',
    item: 'NAME=IP',
    profile: { key: 'hosts', description: 'names that are answered at once, as --host' },
  },
  bastionHosts: {
    kind: 'flag',
    flags: '-H, --auto-hosts',
    otherwise: false,
    partOf: 'dns',
    // Read at the bastion when the tunnel opens.
    isKeptByReload: true,
    help:
      "answer queries for the names in the bastion's /etc/hosts whose addresses are captured, if SFTP may " +
      'read it',
    profile: {
      key: 'auto_hosts',
      description: "whether the names in the bastion's /etc/hosts are answered, as -H",
    },
  },
  seedHosts: {
    kind: 'commas',
    flags: '--seed-hosts <NAME[,NAME...]>',
    type: 'seedHosts',
    partOf: 'dns',
    help: 'capture these names, as --domain does',
    item: 'a name',
    profile: { key: 'seed_hosts', description: 'names that the bastion resolves, as --seed-hosts' },
  },
  everything: {
    kind: 'flag',
    flags: '--dns',
    otherwise: false,
    partOf: 'dns',
    help: 'capture DNS queries to the resolvers of this machine; --to-ns answers them',
    profile: { key: 'dns', description: 'whether all DNS queries of this machine are captured, as --dns' },
  },
  nameservers: {
    kind: 'commas',
    flags: '--ns-hosts <IP[,IP...]>',
    type: 'nameservers',
    partOf: 'dns',
    help: 'capture DNS queries to these addresses only',
    item: 'an IP address',
    profile: { key: 'ns_hosts', description: 'whose queries alone are captured, as --ns-hosts' },
  },
  resolvers: {
    kind: 'commas',
    flags: '--to-ns <IP[:PORT][,...]>',
    type: 'resolvers',
    partOf: 'dns',
    help:
      'resolver that the bastion can reach by TCP, asked instead; of several the first that answers ' +
      '(default for --dns: what /etc/resolv.conf of the bastion says, if SFTP may read it)',
    item: 'IP, IP:PORT, [IPV6]:PORT',
    profile: { key: 'to_ns', description: 'resolvers behind the bastion, as --to-ns' },
  },
  ipv6: {
    kind: 'flag',
    flags: '--disable-ipv6',
    otherwise: true,
    help: 'capture IPv4 only',
    profile: { key: 'ipv6', description: 'as --disable-ipv6 where it is false' },
  },
  openstack: {
    kind: 'optional',
    flags: '--openstack [CLOUD]',
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
    flags: '--openstack-catalog [FROM]',
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
    flags: '--openstack-interface <INTERFACE>',
    choices: ['public', 'internal', 'admin'],
    needs: '--openstack',
    partOf: 'openstack',
    help: 'of the catalog: public, internal or admin (default: that of the cloud, public)',
    profile: { key: 'openstack_interface', description: 'as --openstack-interface' },
  },
  openstackRegion: {
    kind: 'text',
    flags: '--openstack-region <REGION>',
    type: 'word',
    needs: '--openstack',
    partOf: 'openstack',
    help: 'of the catalog (default: OS_REGION_NAME, else that of the cloud)',
    profile: { key: 'openstack_region', description: 'as --openstack-region' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
