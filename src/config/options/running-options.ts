import { systemWords } from '../../core/systems/system-words.ts';
import { WANTED_METHODS, wantedMethods } from '../../intercept/rules/redirect-methods.ts';
import { UDP_POLICIES } from '../../intercept/rules/redirect-plan.ts';
import type { OptionRow } from './row.ts';

/** How it is captured. */
export const CAPTURE_OPTIONS = {
  method: {
    kind: 'choice',
    flags: '--method <METHOD>',
    choices: WANTED_METHODS,
    otherwise: 'auto',
    help: `${wantedMethods()} (default: auto, the first that works)`,
    profile: { key: 'method', description: 'what redirects, as --method' },
  },
  udp: {
    kind: 'choice',
    flags: '--udp <WHAT>',
    choices: UDP_POLICIES,
    otherwise: 'reject',
    help:
      'what is done with UDP to captured destinations: reject refuses it at once, so that QUIC and others change to TCP, but ' +
      'not DHCP, NTP, VPNs and what was there before; direct lets it leave as without tshuttle; relay has a program on the bastion ' +
      'carry it, in python3 or perl (default: reject)',
    profile: { key: 'udp', description: 'what is done with UDP to captured destinations, as --udp' },
  },
  tmark: {
    kind: 'text',
    flags: '-t, --tmark <MARK>',
    type: 'markBits',
    help:
      'with --method tproxy: the bits of the packet mark that captured packets get, in hexadecimal; all others stay as they are ' +
      '(default: the first of 0x01000000 to 0x0f000000 that no other tunnel has)',
    profile: { key: 'tmark', description: 'the bits of the packet mark that captured packets get, as -t' },
  },
  listen: {
    kind: 'text',
    flags: '-l, --listen <[IP:]PORT>',
    type: 'listen',
    // Loopback, a free port.
    otherwise: '0',
    help: 'where the redirected connections are accepted (default: loopback, a free port)',
    profile: { key: 'listen', description: 'where redirected connections are accepted, [ip:]port, as -l' },
  },
  alsoFrom: {
    kind: 'list',
    flags: '--also-from <IFACE|NETWORK>',
    type: 'trafficSource',
    help:
      'capture what others send through this machine, too, and comes in by this interface or from this network: docker0, ' +
      'br-*, eth1, 192.168.50.0/24 (tshuttle help others); repeatable',
    item: 'docker0, br-*, 192.168.50.0/24',
    profile: {
      key: 'also_from',
      description:
        "interfaces and networks whose connections are captured beside this machine's own, as --also-from",
    },
  },
  dryRun: {
    kind: 'flag',
    flags: '--dry-run',
    otherwise: false,
    partOf: 'mode',
    help: 'print the rules that would be installed, and end',
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Proxies of ours, by their protocols (ingress/proxy/protocols.ts), and their login. */
export const PROXY_OPTIONS = {
  socks: {
    kind: 'list',
    flags: '--socks <[IP:]PORT>',
    type: 'listenPlace',
    partOf: 'proxies',
    help: 'serve SOCKS5, SOCKS4 and SOCKS4a here (default address: 127.0.0.1); the bastion resolves names; repeatable',
    item: '[ip:]port',
    profile: { key: 'socks', description: 'where SOCKS proxies listen, as --socks' },
  },
  http: {
    kind: 'list',
    flags: '--http-proxy <[IP:]PORT>',
    type: 'listenPlace',
    partOf: 'proxies',
    help: 'serve an HTTP proxy here, CONNECT and http:// requests; repeatable',
    item: '[ip:]port',
    profile: { key: 'http_proxy', description: 'where HTTP proxies listen, as --http-proxy' },
  },
  proxyLogin: {
    kind: 'text',
    flags: '--proxy-auth <FILE>',
    type: 'loginFile',
    help: 'file with USER:PASSWORD in its first line, which clients of the proxies must show; nobody else may read it',
    profile: { key: 'proxy_auth', description: 'file with user:password for the proxies, as --proxy-auth' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Ports and sockets of this machine that lead to one place each. */
export const FORWARD_OPTIONS = {
  forwards: {
    kind: 'list',
    flags: '-L, --local-forward <FORWARD>',
    type: 'forward',
    partOf: 'forwards',
    help:
      'as ssh -L: [IP:]PORT:HOST:PORT listens at PORT, and carries what connects to HOST:PORT as the bastion sees it; either side may be the ' +
      'path of a unix socket; repeatable',
    item: '[ip:]port:host:port, /path/socket:host:port, port:/path/socket',
    profile: { key: 'forwards', description: 'ports that lead to one place behind the bastion, as -L' },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** How the process runs, and what it says. */
export const RUNNING_OPTIONS = {
  daemon: {
    kind: 'flag',
    flags: '-D, --daemon',
    otherwise: false,
    partOf: 'mode',
    help: 'go to the background as soon as the tunnel is up',
  },
  pidFile: {
    kind: 'text',
    flags: '--pidfile <FILE>',
    type: 'path',
    partOf: 'mode',
    help: `file for the process id with -D (default: in ${systemWords().stateFolder})`,
  },
  saveAs: {
    kind: 'text',
    flags: '--save <NAME>',
    type: 'word',
    partOf: 'mode',
    help: 'as soon as the tunnel is up, write these options into config.yaml as the profile NAME, for tshuttle up NAME',
  },
  verbosity: {
    kind: 'count',
    flags: '-v, --verbose',
    most: 2,
    help: 'log every connection when it ends; twice: log everything',
    profile: { key: 'verbose', description: 'how much is logged, as -v given so many times' },
  },
  quiet: {
    kind: 'flag',
    flags: '-q, --quiet',
    otherwise: false,
    help: 'say nothing but errors and questions; in the background, log nothing but errors',
    profile: { key: 'quiet', description: 'whether nothing but errors is said and logged, as -q' },
  },
  metrics: {
    kind: 'text',
    flags: '--metrics <[IP:]PORT>',
    type: 'listenPlace',
    help: 'serve metrics for Prometheus at http://IP:PORT/metrics (default address: 127.0.0.1)',
    profile: { key: 'metrics', description: '[ip:]port, where metrics are served, as --metrics' },
  },
  onEvent: {
    kind: 'text',
    flags: '--on-event <CMD>',
    type: 'shellCommand',
    help:
      'run this by the shell when the tunnel is up, lost, back, needs-login, given-up or down, which TSHUTTLE_EVENT says ' +
      '(tshuttle help events)',
    profile: {
      key: 'on_event',
      description: 'what the shell runs when something happens to it, as --on-event',
    },
  },
  notify: {
    kind: 'choice',
    flags: '--notify <WHICH>',
    choices: ['auto', 'off', 'needs-you', 'all'],
    otherwise: 'auto',
    help:
      'show such events on the desktop: off, needs-you (needs-login, given-up) or all (default: auto, as needs-you where there is ' +
      'a desktop)',
    profile: { key: 'notify', description: 'which events the desktop shows, as --notify' },
  },
  logFormat: {
    kind: 'choice',
    flags: '--log-format <FORMAT>',
    choices: ['auto', 'text', 'json'],
    otherwise: 'auto',
    help: 'text or json (default: text on a terminal, json elsewhere)',
    profile: { key: 'log_format', description: 'as --log-format' },
  },
  syslog: {
    kind: 'flag',
    flags: '--syslog',
    otherwise: false,
    help: "also send the log to the system's log, through /dev/log (Linux)",
    profile: { key: 'syslog', description: "whether the log goes to the system's log, too, as --syslog" },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
