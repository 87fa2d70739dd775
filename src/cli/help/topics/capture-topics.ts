import type { SystemWords } from '../../../core/systems/words.ts';
import { SPARED_UDP_PORTS } from '../../../intercept/rules/refused-udp.ts';
import { type Block, commands, list, paragraph, type Topic } from './topic.ts';

/** What is captured: networks, names and DNS queries. */
export const captureTopics = (system: SystemWords): readonly Topic[] => [
  {
    name: 'subnets',
    summary: 'what is captured, and which of several options decides',
    blocks: [
      paragraph(
        'Connections that this machine opens (others: tshuttle help others) to a SUBNET go through the bastion. A destination that several match is decided by the ' +
          'one with the fewest ports, then by the longest prefix, then in favour of -x. The bastion itself, local, broadcast, ' +
          'multicast and link-local destinations are never captured, so a bastion inside a captured network is no problem.',
      ),
      list(
        ['10.0.0.0/8', 'a network; host bits are cleared'],
        ['10.0.0.0/8:443, 10.0.0.0/8:8000-9000', 'only these ports'],
        ['[2001:db8::/32]:443', 'IPv6 with a port'],
        [
          'db.example.com:5432',
          'a name: its addresses, looked up again when their TTL is over. A name that does not resolve is a warning, and is tried again',
        ],
        ['0/0 ::/0', 'everything'],
      ),
      paragraph(
        '--map 10.1.0.0/16=10.201.0.0/16 is for a network whose addresses are in use here, or at another site, for something else: connections to 10.201.3.4 are carried to 10.1.3.4, ' +
          'and names that the bastion’s resolvers answer with 10.1.3.4 get 10.201.3.4. The second network is captured by itself, and ' +
          'needs a route as any other. HOST of -L and --to-ns are as the bastion sees them.',
      ),
      paragraph(
        '-N adds the networks in the bastion’s routing table, IPv4 and IPv6, where it may run ip or netstat: asked for once, when the tunnel opens, ' +
          'and not again after an outage. Left out, and said, are default routes, what this machine reaches by itself (its local networks, its ' +
          'VPNs), and more of the Internet than a /8, or an IPv6 /24. The ready line and status have what is captured.',
      ),
      paragraph(
        'Of several tunnels that capture the same network the one that was started last gets its connections, however narrow its SUBNET is; ' +
          'what it excludes goes to the others. up, status and explain say where that is so.',
      ),
      paragraph('tshuttle explain HOST:PORT says what decides over one destination, and why.'),
      ...boundPrograms(system),
    ],
  },
  {
    name: 'udp',
    summary: 'what is done with UDP to captured destinations: QUIC, VPNs, NTP',
    blocks: [
      paragraph(
        'ssh carries TCP, and tshuttle DNS over it. With --udp reject, the default, other UDP to what is captured is refused at once, on every port: ' +
          'browsers change from QUIC to TCP, calls and Kerberos do, too, and what only knows UDP fails at once and not after a minute.',
      ),
      list(
        [
          'never refused',
          `${SPARED_UDP_PORTS.map(({ service }) => service).join(', ')}, by their ports; broadcast, multicast, this machine, every port of the bastion`,
        ],
        [
          'VPNs',
          'those of the kernel (WireGuard) and, on Linux, programs that mark their packets (Tailscale)',
        ],
        [
          'what was there',
          'sockets that were there before the tunnel, and answers to what others have begun',
        ],
      ),
      paragraph(
        'With 0/0 that leaves games, mosh to hosts other than the bastion, and VPN programs on other ports that start after the tunnel: ' +
          'exclude their servers with -x, or use --udp direct, with which all UDP leaves as without tshuttle.',
      ),
      commands('tshuttle -r bastion 0/0 -x vpn.example.com', 'tshuttle -r bastion --udp direct 10.0.0.0/8'),
      ...relayedUdp(system),
    ],
  },
  {
    name: 'names',
    summary: 'names that only the bastion, or a resolver behind it, knows',
    blocks: [
      paragraph(
        '--domain ZONE answers names of one zone on the bastion’s side; all others go, byte for byte, to the resolver that was asked. ' +
          'It needs no SUBNET and no resolver, and may be repeated; *.ZONE is only what is below ZONE. ' +
          'Without --to-ns such a name gets a synthetic address, and a connection to that is opened by name, which the bastion ' +
          'resolves: TLS names stay right. One that the bastion does not know ends as a name that does not exist, at the latest with the ' +
          'second try; what a search domain of this machine may have made is asked for before it is answered.',
      ),
      commands(
        'tshuttle -r bastion --domain internal.example',
        "tshuttle -r bastion --domain '*.rds.amazonaws.com'",
        'tshuttle -r bastion --domain internal.example --to-ns 10.0.0.2 10.0.0.0/8',
      ),
      paragraph(
        'With --to-ns, that resolver answers for the zone, and only a name whose addresses no SUBNET has gets a synthetic one. With ' +
          '--resolve bastion it is not asked about zones at all. Several tunnels with zones work side by side.',
      ),
      paragraph(
        'Synthetic addresses are of --synthetic-range, by default 198.18.0.0/15 and fd9b:4e27:6cd1::/96; a name gets an IPv6 one only ' +
          'where that range has a route. A name keeps its address over restarts (the file synthetic-addresses ' +
          `in ${system.stateFolder}). ` +
          'A tunnel takes a sixteenth of --synthetic-range, and more as it has more names, up to a half: of the default, 65,512. Then the ' +
          'name that was not used for longest loses its address, two minutes after its last use at the earliest; status says when they run out.',
      ),
      paragraph(
        '--host db.internal.example=10.0.0.8 answers one name by itself; -H answers those in the bastion’s /etc/hosts, if SFTP may read it.',
      ),
      ...resolverFiles(system),
    ],
  },
  {
    name: 'dns',
    summary: 'every DNS query of this machine to a resolver behind the bastion',
    blocks: [
      commands('tshuttle -r bastion --dns --to-ns 10.0.0.2 10.0.0.0/8'),
      paragraph(
        `--dns sends every query of this machine, by UDP or TCP, ${system.localResolvers}, to the resolver of ` +
          '--to-ns, which the bastion must reach by TCP. Names that only it knows then work everywhere. --ns-hosts IP[,IP] captures ' +
          'queries to these addresses alone.',
      ),
      paragraph(
        'Without --to-ns the resolvers are those in the bastion’s own /etc/resolv.conf, if SFTP may read it; a bastion that forces a ' +
          'command runs that once. Up to three may be named, with commas: one that is silent for 2 s is asked last for the next 30 s. ' +
          `Answers are kept for their TTL. When this machine gets other resolvers (${system.resolverSettings}), queries to those are captured.`,
      ),
      paragraph(
        'Names of the bastion, of jump hosts and of proxies are always answered by this machine’s own resolver.',
      ),
    ],
  },
];

/** The files by which macOS is told whom to ask about a zone. */
function resolverFiles(system: SystemWords): readonly Block[] {
  if (system.platform !== 'darwin') return [];
  return [
    paragraph(
      'As long as a tunnel runs, each of its zones has a file /etc/resolver/ZONE, by which macOS asks tshuttle for what is in the zone; ' +
        'queries that go to a nameserver all the same are captured. The root helper writes these files. Their first line is ' +
        '“# tshuttle USER-PORT: ...”, with the number of the user and the port of the tunnel. They go when the tunnel ends, also when ' +
        'tshuttle is killed. One that is left, as after a power cut, has no answers for its zone; the next start of a tunnel removes it, ' +
        'and so does tshuttle cleanup. A file that another program has made for a zone stays as it is: status and doctor name it.',
    ),
    list(
      ['see them', 'head -1 /etc/resolver/*'],
      ['by hand', 'sudo rm /etc/resolver/ZONE, of files with that first line, and when no tunnel runs'],
      ['try one', `${system.lookUpName}; dig and nslookup do not go by these files`],
    ),
  ];
}

/** Programs whose connections cannot be redirected, where the kernel has no way for them. */
function boundPrograms(system: SystemWords): readonly Block[] {
  if (system.platform !== 'linux') return [];
  return [
    paragraph(
      'A program that binds its socket to a device (curl --interface eth0, the connectivity check of NetworkManager) has no way to ' +
        'tshuttle, which listens on loopback: its connections to a captured network hang. Exclude what it calls with -x.',
    ),
  ];
}

/** UDP that is carried, where the rules can redirect it. */
function relayedUdp(system: SystemWords): readonly Block[] {
  if (system.platform !== 'linux') return [];
  return [
    paragraph(
      'With --udp relay a program on the bastion carries what would be refused: off by default, since the bastion must run commands, and have ' +
        'python3 or perl, which is tried when the tunnel opens. It is sent over the connection, written to no file, and ends with that. ' +
        'Datagrams come from the bastion’s address then. What is too much is dropped, as networks do; a loss on the way delays what comes after it. ' +
        '512 exchanges at once, each for 120 s of silence. For nft and --transport ssh2; not for names of zones (--domain), --also-from, --namespace or ' +
        'run --isolated. With it QUIC stays QUIC, which is slower than TCP here. status NAME, its JSON and the metrics count datagrams.',
    ),
    commands('tshuttle -r bastion --udp relay 10.0.0.0/8'),
  ];
}
