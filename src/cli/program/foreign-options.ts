/** What to do instead of the options that sshuttle has and tshuttle refuses, so that its users are not left guessing. */
const FOREIGN_OPTIONS: ReadonlyArray<{ readonly flags: readonly string[]; readonly what: string }> = [
  {
    flags: ['-R'],
    what: 'makes the bastion listen, and nothing is opened there here; ssh -R does it beside tshuttle',
  },
  {
    flags: ['-Y'],
    what: 'is X11, which needs a session on the bastion; ssh -Y does it beside tshuttle',
  },
  { flags: ['--firewall', '--hostwatch'], what: 'is internal to sshuttle; leave it out' },
];

/** The options of sshuttle's that are refused. */
export const FOREIGN_FLAGS: readonly string[] = FOREIGN_OPTIONS.flatMap(({ flags }) => flags);

/** Says in one sentence what became of an option of sshuttle's; undefined for one that it has not either. */
export function describeForeignOption(flag: string): string | undefined {
  // Of a bundle of short ones the first is what commander does not know.
  const name = flag.startsWith('--') ? flag.split('=', 1)[0]! : flag.slice(0, 2);
  return FOREIGN_OPTIONS.find(({ flags }) => flags.includes(name))?.what;
}
