import type { OptionRow } from './row.ts';

/** The way to the bastion. */
export const BASTION_OPTIONS = {
  remote: {
    kind: 'several',
    flags: '-r, --remote <[USER@]HOST[:PORT]>',
    type: 'bastion',
    partOf: 'remote',
    required: 'name the bastion, as in -r user@bastion.example.com',
    help:
      'the ssh server, or a Host of ~/.ssh/config (USER:PASSWORD@ works too, but others can see it); repeated: the next ones stand by for ' +
      'the first',
    item: '[user@]host[:port]',
    profile: {
      key: 'remote',
      description:
        'the ssh server, [user@]host[:port], or a Host of the ssh configuration, or a list, tried in order; no password',
    },
  },
  identityFiles: {
    kind: 'list',
    flags: '-i, --identity <FILE>',
    type: 'readableFile',
    help: 'private key to log in with; repeatable',
    item: 'a file with a private key',
    profile: { key: 'identity', description: 'private keys to log in with, as -i' },
  },
  sshOptions: {
    kind: 'list',
    flags: '-o, --ssh-option <KEY=VALUE>',
    type: 'sshOption',
    help: 'option of ssh_config(5), as for ssh -o; repeatable',
    item: 'Key=Value',
    profile: { key: 'ssh_options', description: 'options of ssh_config(5), as -o' },
  },
  sshConfigFile: {
    kind: 'text',
    flags: '-F, --ssh-config <FILE>',
    type: 'sshConfig',
    help: 'ssh configuration to read instead of ~/.ssh/config, as for ssh -F; jump hosts use it too',
    profile: { key: 'ssh_config', description: 'ssh configuration to read instead of ~/.ssh/config, as -F' },
  },
  jump: {
    kind: 'text',
    flags: '-J, --jump <HOP[,HOP...]>',
    type: 'jumpHosts',
    help: 'reach the bastion through these ssh servers, [USER@]HOST[:PORT], the nearest first, as for ssh -J',
    profile: {
      key: 'jump',
      description: 'ssh servers on the way, [user@]host[:port],..., the nearest first, as -J',
    },
  },
  upstreamProxy: {
    kind: 'text',
    flags: '--upstream-proxy <URL>',
    type: 'upstreamProxy',
    help:
      'reach the bastion, or the first jump host, through a SOCKS5 proxy, which resolves its name: ' +
      'socks5://[USER:PASSWORD@]HOST:PORT',
    profile: { key: 'upstream_proxy', description: 'socks5://host:port, as --upstream-proxy; no password' },
  },
  transport: {
    kind: 'choice',
    flags: '--transport <KIND>',
    choices: ['auto', 'ssh2', 'openssh'],
    partOf: 'transport',
    help:
      "ssh2 is tshuttle's own; openssh is the ssh of this machine, which reads its own configuration (default: auto, " +
      'ssh2 unless something needs openssh)',
    profile: { key: 'transport', description: 'what connects to the bastion, as --transport' },
  },
  sshCommand: {
    kind: 'text',
    flags: '-e, --ssh-cmd <CMD>',
    type: 'sshCommand',
    partOf: 'transport',
    help: "the ssh to connect with, and options of it, as for sshuttle: 'ssh -i key -p 2222'; means --transport openssh",
    profile: { key: 'ssh_cmd', description: 'the ssh to connect with, and options of it, as -e' },
  },
  controlPath: {
    kind: 'text',
    flags: '--control-path <PATH>',
    type: 'path',
    partOf: 'transport',
    help: 'join a running ssh by its control socket (ssh -M -S PATH); nothing is asked for',
    profile: {
      key: 'control_path',
      description: 'the control socket of an ssh that is up, as --control-path',
    },
  },
  opensshCarry: {
    kind: 'choice',
    flags: '--openssh-carry <HOW>',
    choices: ['socks', 'handover'],
    partOf: 'transport',
    help:
      'socks, or handover: ssh gets connections without a copy through tshuttle, but an end of data of the destination ' +
      'then ends both directions (default: socks; with --control-path handover)',
    profile: { key: 'openssh_carry', description: 'as --openssh-carry' },
  },
  mayOpenSession: {
    kind: 'flag',
    flags: '--no-session',
    otherwise: true,
    help: 'open no session on the bastion; otherwise one runs `true` there, so that sshd sends small answers at once',
    profile: { key: 'session', description: 'as --no-session where it is false' },
  },
  connections: {
    kind: 'number',
    flags: '--connections <N>',
    least: 1,
    // With more a bastion would take us for an attack.
    most: 16,
    otherwise: 1,
    help: 'spread flows over up to N ssh connections, 1 to 16 (default: 1)',
    profile: { key: 'connections', description: 'over how many ssh connections flows are spread' },
  },
  onDown: {
    kind: 'choice',
    flags: '--on-down <WHAT>',
    choices: ['hold', 'reject', 'direct', 'exit'],
    otherwise: 'hold',
    help:
      'new connections while the bastion is lost: hold them until it is connected again, reject them, let them go ' +
      'direct past the tunnel, or exit with 75, also where redirect rules are removed for good (default: hold)',
    profile: { key: 'on_down', description: 'new flows while the bastion is lost, as --on-down' },
  },
  holdSeconds: {
    kind: 'number',
    flags: '--hold-seconds <N>',
    least: 0,
    most: 3_600,
    // Most programs wait longer than this for a connection, and people do not.
    otherwise: 30,
    help: 'how long a connection is held, 0 to 3600 (default: 30)',
    profile: { key: 'hold_seconds', description: 'how long a flow is held, as --hold-seconds' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
