import type { OptionRow } from './row.ts';

/** Names of the bastion's side, and whose queries are answered. */
export const NAME_OPTIONS = {
  zones: {
    kind: 'list',
    flags: '--domain',
    value: 'ZONE',
    type: 'zone',
    partOf: 'dns',
    reload: 'at once',
    help:
      'capture names of this zone, which the bastion or --to-ns resolves; all others as ever: ' +
      'internal.example, or *.internal.example for names below it; repeatable',
    profile: {
      key: 'zones',
      item: 'internal.example, *.internal.example',
      description: 'zones whose names the bastion resolves, as --domain',
    },
  },
  resolve: {
    kind: 'choice',
    flags: '--resolve',
    value: 'WHO',
    choices: ['auto', 'bastion'],
    otherwise: 'auto',
    partOf: 'dns',
    reload: 'at once',
    help: 'bastion: --to-ns is not asked for names in zones, the bastion connects to them by name (default: auto)',
    profile: { key: 'resolve', description: 'who resolves names in zones, as --resolve' },
  },
  syntheticRanges: {
    kind: 'commas',
    flags: '--synthetic-range',
    value: 'NETWORK[,...]',
    type: 'syntheticRanges',
    // Taken from this machine when the tunnel opens: a reload leaves them.
    partOf: 'dns',
    help:
      'what addresses that stand for names are taken from, IPv4, IPv6 or both ' +
      '(default: 198.18.0.0/15,fd9b:4e27:6cd1::/96)',
    profile: {
      key: 'synthetic_range',
      item: 'a network',
      description: 'what addresses that stand for names are taken from, as --synthetic-range',
    },
  },
  hosts: {
    kind: 'list',
    flags: '--host',
    value: 'NAME=IP',
    type: 'hostAddress',
    partOf: 'dns',
    reload: 'at once',
    help: 'answer DNS queries for this name with this address; repeatable',
    profile: { key: 'hosts', item: 'NAME=IP', description: 'names that are answered at once, as --host' },
  },
  bastionHosts: {
    kind: 'flag',
    flags: '-H, --auto-hosts',
    otherwise: false,
    // Read at the bastion when the tunnel opens: a reload leaves them.
    partOf: 'dns',
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
    flags: '--seed-hosts',
    value: 'NAME[,NAME...]',
    type: 'seedHosts',
    partOf: 'dns',
    reload: 'at once',
    help: 'capture these names, as --domain does',
    profile: {
      key: 'seed_hosts',
      item: 'a name',
      description: 'names that the bastion resolves, as --seed-hosts',
    },
  },
  everything: {
    kind: 'flag',
    flags: '--dns',
    otherwise: false,
    partOf: 'dns',
    reload: 'at once',
    help: 'capture DNS queries to the resolvers of this machine; --to-ns answers them',
    profile: { key: 'dns', description: 'whether all DNS queries of this machine are captured, as --dns' },
  },
  nameservers: {
    kind: 'commas',
    flags: '--ns-hosts',
    value: 'IP[,IP...]',
    type: 'nameservers',
    partOf: 'dns',
    reload: 'at once',
    help: 'capture DNS queries to these addresses only',
    profile: {
      key: 'ns_hosts',
      item: 'an IP address',
      description: 'whose queries alone are captured, as --ns-hosts',
    },
  },
  resolvers: {
    kind: 'commas',
    flags: '--to-ns',
    value: 'IP[:PORT][,...]',
    type: 'resolvers',
    partOf: 'dns',
    reload: 'at once',
    help:
      'resolver that the bastion can reach by TCP, asked instead; of several the first that answers ' +
      '(default for --dns: what /etc/resolv.conf of the bastion says, if SFTP may read it)',
    profile: {
      key: 'to_ns',
      item: 'IP, IP:PORT, [IPV6]:PORT',
      description: 'resolvers behind the bastion, as --to-ns',
    },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
