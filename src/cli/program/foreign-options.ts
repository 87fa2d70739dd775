/** What to do instead of the options that sshuttle has and tshuttle has not, so that its users are not left guessing. */
const FOREIGN_OPTIONS: ReadonlyArray<{ readonly flags: readonly string[]; readonly what: string }> = [
  {
    flags: ['-N', '--auto-nets'],
    what: 'asks the server for its routes, and nothing runs on the bastion here; list the networks',
  },
  {
    flags: ['-e', '--ssh-cmd'],
    what: 'names an ssh program, and tshuttle speaks ssh itself; its options -F, -i, -J, -o are here too (-p: -r HOST:PORT)',
  },
  {
    flags: ['--python', '--remote-shell', '--no-cmd-delimiter', '--no-sudo-pythonpath'],
    what: 'is not needed, nothing runs on the bastion; leave it out',
  },
  {
    flags: ['--no-latency-control', '--latency-buffer-size'],
    what: 'is not needed, every connection has its own flow control; leave it out',
  },
  {
    flags: ['--syslog'],
    what: 'is not needed, -D keeps a log file; for the journal run without -D in a systemd unit',
  },
  {
    flags: ['--user', '--group'],
    what: 'is not there: the connections of all users of this machine are captured',
  },
  {
    flags: ['-t', '--tmark'],
    what: 'belongs to the method tproxy; none of the methods here needs a mark, leave it out',
  },
  {
    flags: ['--namespace', '--namespace-pid'],
    what: 'is not there; run all of it inside: ip netns exec NAME tshuttle ...',
  },
  {
    flags: ['--sudoers-no-modify', '--sudoers-user'],
    what: 'is not there; see tshuttle sudoers --help',
  },
  { flags: ['--wrap', '--firewall', '--hostwatch'], what: 'is internal to sshuttle; leave it out' },
];

/** Says in one sentence what became of an option of sshuttle's; undefined for one that it has not either. */
export function describeForeignOption(flag: string): string | undefined {
  const name = flag.split('=', 1)[0]!;
  return FOREIGN_OPTIONS.find(({ flags }) => flags.includes(name))?.what;
}
