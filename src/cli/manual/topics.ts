import { OPENSTACK_TOPIC } from './openstack-topic.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** What is worth a page beside `--help`: how things hang together, and recipes. */
export const TOPICS: readonly Topic[] = [
  {
    name: 'subnets',
    summary: 'what is captured, and which of several options decides',
    blocks: [
      paragraph(
        'Connections that this machine opens to a SUBNET go through the bastion. A destination that several match is decided by the ' +
          'one with the fewest ports, then by the longest prefix, then in favour of -x. The bastion itself, local, broadcast, ' +
          'multicast and link-local destinations are never captured.',
      ),
      list(
        ['10.0.0.0/8', 'a network; host bits are cleared'],
        ['10.0.0.0/8:443, 10.0.0.0/8:8000-9000', 'only these ports'],
        ['[2001:db8::/32]:443', 'IPv6 with a port'],
        ['db.example.com:5432', 'a name: its addresses, looked up again when their TTL is over'],
        ['0/0 ::/0', 'everything'],
      ),
      paragraph('tshuttle explain HOST:PORT says what decides over one destination, and why.'),
      paragraph(
        'A program that binds its socket to a device (curl --interface eth0, the connectivity check of NetworkManager) has no way to ' +
          'tshuttle, which listens on loopback: its connections to a captured network hang. Exclude what it calls with -x.',
      ),
    ],
  },
  {
    name: 'names',
    summary: 'names that only the bastion, or a resolver behind it, knows',
    blocks: [
      paragraph(
        '--domain ZONE answers names of one zone on the bastion’s side; all others go, byte for byte, to the resolver that was asked. ' +
          'Without --to-ns such a name gets a synthetic address, and a connection to that is opened by name, which the bastion ' +
          'resolves: TLS names stay right. One that the bastion does not know ends as a name that does not exist, at the latest with the ' +
          'second try; what a search domain of this machine may have made is asked for before it is answered. --dns sends every query of this machine to a resolver behind the bastion.',
      ),
      commands(
        'tshuttle -r bastion --domain internal.example',
        "tshuttle -r bastion --domain '*.rds.amazonaws.com'",
        'tshuttle -r bastion --dns --to-ns 10.0.0.2 10.0.0.0/8',
      ),
      paragraph(
        'A tunnel takes a sixteenth of --synthetic-range, and more as it has more names, up to a half: of the default, 65,512. Then the ' +
          'name that was not used for longest loses its address, two minutes after its last use at the earliest; status says when they run out.',
      ),
      paragraph(
        'Names of the bastion, of jump hosts and of proxies are always answered by this machine’s own resolver.',
      ),
    ],
  },
  {
    name: 'login',
    summary: 'logging in: keys, agents, certificates, second factors',
    blocks: [
      paragraph(
        'ssh -G is asked for the configuration, so that what works with ssh works here: ~/.ssh/config, -F, -o, -i, -J. Keys that are ' +
          'named by -i come first; a .pub file names a key that the agent holds. Questions go to the terminal, or to SSH_ASKPASS ' +
          'where ssh would use that.',
      ),
      list(
        ['too many keys in the agent', 'sshd closes after some wrong ones (MaxAuthTries): -i KEY.pub'],
        [
          'a one-time code',
          'is asked for, counts once, and is never kept: whoever reconnects is asked again',
        ],
        ['an unknown host key', 'is shown and asked for on a terminal, and refused without one'],
      ),
    ],
  },
  {
    name: 'recipes',
    summary: 'Terraform, kubectl, psql, RDS, a bastion with a second factor, at login, CI without root',
    blocks: [
      paragraph(
        'Terraform, against an API that admits the bastion’s address only; more of it in tshuttle help openstack:',
      ),
      commands('tshuttle run -r ubuntu@bastion --openstack mycloud --openstack-catalog -- terraform apply'),
      paragraph(
        'kubectl; the API server keeps its name, so its certificate is right. The command starts when that answers:',
      ),
      commands(
        'tshuttle run -r bastion --probe api.cluster.example:6443 api.cluster.example:6443 -- kubectl get nodes',
      ),
      paragraph('psql, to a database whose name only the bastion resolves:'),
      commands('tshuttle run -r bastion --domain internal.example -- psql -h db.internal.example'),
      paragraph(
        'RDS behind a container on Fargate, or any bastion without a shell, in the background. The certificate is checked against ' +
          'the private name; rds-ca.pem is the bundle that AWS publishes:',
      ),
      commands(
        "tshuttle -D -r app@bastion.example.com --domain '*.rds.amazonaws.com'",
        'psql "host=db.cluster-x.eu-west-1.rds.amazonaws.com sslmode=verify-full sslrootcert=rds-ca.pem dbname=app"',
      ),
      paragraph(
        'A bastion that wants a key and then a one-time code, which is asked for; -i names the right one of the agent’s many keys:',
      ),
      commands('tshuttle -r me@bastion -i ~/.ssh/id_work.pub 10.0.0.0/8'),
      paragraph(
        'At login, by systemd, the profile office of ~/.config/tshuttle/config.yaml; nobody is asked for a password then:',
      ),
      commands('tshuttle sudoers --install', 'tshuttle service install office'),
      paragraph(
        'CI without root, with a key of the job’s own. Where users may make no namespaces, --rootless gives the command proxies instead:',
      ),
      commands('tshuttle run --isolated -r ci@bastion.example.com -i deploy_key 10.0.0.0/8 -- ./deploy.sh'),
      paragraph('Options that are always the same, in a file:'),
      commands('echo "-r bastion 10.0.0.0/8 -x 10.9.0.0/16" > office.conf', 'tshuttle @office.conf'),
    ],
  },
  OPENSTACK_TOPIC,
  {
    name: 'log',
    summary: 'what the log has of each connection, for programs that read it',
    blocks: [
      paragraph(
        'With -v, each connection is a line when it ends. With --log-format json, which is the default where the log is no ' +
          'terminal, that line is one JSON object with these fields. More may be added; none of these changes its meaning.',
      ),
      list(
        ['level', 'string: info for a connection'],
        ['time', 'string: when it ended, ISO 8601, UTC'],
        ['pid', 'number: the process id of tshuttle'],
        ['tunnel', 'string: its name, where one process has several; otherwise left out'],
        ['destination', 'string: HOST:PORT, by name where it was opened by name'],
        ['address', 'string: the synthetic address of that name; otherwise left out'],
        ['originator', 'string: ADDRESS:PORT of the program that connected'],
        ['end', 'string: how it ended: eof, refused, reset, bastion-lost, aborted'],
        ['bytesUp', 'number: bytes from the program to the destination'],
        ['bytesDown', 'number: bytes from the destination to the program'],
        ['durationMs', 'number: milliseconds from connecting to the end'],
        ['msg', 'string: the destination and why it ended, for people'],
      ),
    ],
  },
  {
    name: 'sshuttle',
    summary: 'for users of sshuttle: what is the same, and what is not',
    blocks: [
      paragraph(
        'Options have sshuttle’s names where it has one: -r, -x, -X, -s, -l, -D, -H, --pidfile, --dns, --ns-hosts, --to-ns, @FILE. So most ' +
          'command lines work when their first word is changed; one that does not is refused, and the message says what to do instead.',
      ),
      commands('tshuttle -r me@bastion.example.com -x 10.9.0.0/16 10.0.0.0/8'),
      list(
        [
          'on the bastion',
          'nothing runs; AllowTcpForwarding yes will do, without Python and without a shell',
        ],
        ['SSHUTTLE_ARGS', 'TSHUTTLE_ARGS'],
        ['-e, --ssh-cmd', 'the options of ssh are here too: -F, -i, -J, -o; a port is -r HOST:PORT'],
        ['-N, --auto-nets', 'nothing can ask the bastion for its routes: list the networks'],
        [
          '-H, --auto-hosts',
          'names come from the bastion’s /etc/hosts, if SFTP may read it; nothing is scanned',
        ],
        [
          '--dns',
          'asks the resolvers of the bastion’s /etc/resolv.conf, if SFTP may read it; otherwise name one by --to-ns',
        ],
        ['--sudoers-no-modify', 'tshuttle sudoers, which grants one program instead of a command line'],
        ['a lost bastion', 'is connected again, where sshuttle ends'],
        ['UDP other than DNS, tproxy', 'not here: ssh carries TCP'],
      ),
    ],
  },
];
