import { readdirSync } from 'node:fs';

/*
 * Which tests do not run on which system, real or simulated (`npm run test:platforms`), and why: the only place that says so. Whole files are
 * left out by .ci/vitest.config.ts, single tests by .ci/leaving-out-runner.ts, and .ci/closing-line-reporter.ts prints both. On Linux with koffi all run.
 */

/** Where tests run. */
interface Surroundings {
  readonly platform: string;
  readonly isKoffiAbsent: boolean;
}

/** Tests that do not run for one reason. Paths begin below test/, and a folder's ends with a slash. */
interface LeftOut {
  readonly because: string;
  readonly where: (surroundings: Surroundings) => boolean;
  readonly files?: readonly string[];
  /** What runs of these folders all the same. */
  readonly but?: readonly string[];
  /** `FILE > TITLE`, and with a group's title all in it. */
  readonly tests?: readonly string[];
}

const offLinux = ({ platform }: Surroundings): boolean => platform !== 'linux';
/** On Windows neither is asked of koffi. */
const withoutKoffi = ({ platform, isKoffiAbsent }: Surroundings): boolean =>
  isKoffiAbsent && platform !== 'win32';
const onWindows = ({ platform }: Surroundings): boolean => platform === 'win32';

const LEFT_OUT: readonly LeftOut[] = [
  {
    because:
      'capturing: the helpers that they start are of Linux, or on a pf that is imitated by means of Linux',
    where: offLinux,
    files: ['component/intercept/'],
  },
  {
    because: 'they are of /proc, namespaces, netlink, and what else only the kernel of Linux has',
    where: offLinux,
    files: ['component/net/machine/', 'component/net/native/'],
    but: ['component/net/machine/route-monitor.test.ts'],
    tests: [
      'component/cli/daemon.test.ts > root makes nothing in the home that sudo -E has left it',
      'component/cli/daemon.test.ts > the daemon has left session, terminal and folder, has no password in its environment, and leaves no core file',
      'component/cli/daemon.test.ts > the command of run keeps its own core limit, in the folder where it was started; we have none',
      'component/core/files/kernel-file.test.ts > a file without a size is read to its end',
      'component/core/files/regular-file.test.ts > as root, a device',
      'component/net/sockets/listener.test.ts > a duplicate is not for children',
      'component/net/sockets/listener.test.ts > of a connection that is gone, nobody knows where it meant to go',
      'component/net/sockets/socket-pair.test.ts > no descriptor is left',
      'unit/intercept/root/enclosure.test.ts > removeLeftEnclosures',
      'unit/net/native/resource-limit.test.ts > without the native library Linux tells the limit in a file',
    ],
  },
  {
    because:
      'past the stream bytes go to the kernel, and come from it, on Linux alone; elsewhere libuv takes a reset behind data for an end (native-notes/reset.md)',
    where: offLinux,
    tests: [
      'up: much goes past the stream, in order, and its end after it',
      ...['50000', '1000000'].map(
        (bytes) =>
          `up: an application that resets behind a window of ${bytes} that is used up is told as one, not as an end`,
      ),
      'up: an application that resets while a full connection holds it back is told as one, not as an end',
      'down: a stalled reader costs one window beyond what its kernel takes; reading grants again',
    ].map((title) => `component/ssh/ssh2/channels/channel.test.ts > windows and back-pressure > ${title}`),
  },
  {
    because:
      'the slow link that they make has a small receive buffer, which our native calls set on Linux alone',
    where: offLinux,
    tests: [
      'an idle bastion is asked, answers, and lives; one behind a dead link is lost in time',
      'a slow uplink full of data is not taken for dead, nor when the network has changed',
      'the watch ends with the connection',
    ].map((title) => `component/ssh/ssh2/connection/liveness.test.ts > ${title}`),
  },
  {
    because:
      'a connection is handed over to ssh on 64-bit Linux with koffi alone; elsewhere the command says so',
    where: offLinux,
    tests: [
      'openssh-transport.test.ts > a connection of our own through ssh, by handover',
      'openssh-transport.test.ts > a session by the master > is none for a user who wants none',
      'openssh-trust.test.ts > through ssh itself, by handover,',
      'openssh-surroundings.test.ts > ClearAllForwardings yes > and the forwardings that it is for are not opened',
    ].map((test) => `component/ssh/openssh/${test}`),
  },
  {
    because:
      'without koffi nobody calls the OpenSSL of Node.js: ssh2 encrypts by itself, as in all other tests then',
    where: ({ isKoffiAbsent }) => isKoffiAbsent,
    files: [
      'component/ssh/algorithms/without-native-code.test.ts',
      'component/ssh/ssh2/internals/ciphers/in-place.test.ts',
    ],
    tests: [
      'aes256-gcm@openssh.com implicit',
      'chacha20-poly1305@openssh.com implicit',
      'aes128-ctr hmac-sha2-256-etm@openssh.com',
      'aes256-ctr hmac-sha2-512',
    ].map(
      (cipher) =>
        `component/ssh/algorithms/with-native-code.test.ts > both ways, byte-exact, through key exchanges, in place by OpenSSL, with ${cipher}`,
    ),
  },
  {
    because: 'Windows has no shell for a ProxyCommand, and the command says so',
    where: onWindows,
    files: ['component/ssh/proxy/proxy-command.test.ts', 'component/ssh/proxy/recipes.test.ts'],
    tests: [
      "component/ssh/config/ssh-config-forms.test.ts > ssh and we do the same with > 'ProxyCommand with tokens'",
      'component/cli/early-end.test.ts > a connection that ends while ssh2 is being loaded > as its ProxyCommand does',
    ],
  },
  {
    because:
      'the ssh-agent of this machine has a socket in the file system; of Windows’ own there is the name of its pipe alone, in unit/ssh/config/usual-agent.test.ts',
    where: onWindows,
    tests: [
      ...['with a real ssh-agent', 'with an agent that is out of order'].map(
        (group) => `keys/agent.test.ts > ${group}`,
      ),
      'keys/security-keys.test.ts > a named security key that the agent has not: the remedy is to load it',
      ...['ecdsa', 'ed25519'].map(
        (kind) => `keys/security-keys.test.ts > a security key with ${kind}, held by the agent`,
      ),
      ...['ecdsa', 'ed25519', 'rsa'].flatMap((kind) =>
        ['held by the agent', 'in a file, its key in the agent'].map(
          (where) => `keys/user-certificates.test.ts > a certificate over an '${kind}' key > ${where}`,
        ),
      ),
      ...[
        'an agent',
        'an agent by a variable',
        'an agent by a variable in braces',
        'SSH_AUTH_SOCK',
        'the public half names one of the agent',
        '~user in IdentityAgent',
      ].map((form) => `config/ssh-config-forms.test.ts > ssh and we do the same with > '${form}'`),
    ].map((test) => `component/ssh/${test}`),
  },
  {
    because: 'test/component/cli/platforms.test.ts has children on each system, and is not on one itself',
    where: offLinux,
    files: ['component/cli/platforms.test.ts'],
  },
  {
    because:
      'what is shown is kept as Linux shows it, in terminals by tmux; words of other systems have tests of their own',
    where: offLinux,
    files: ['component/cli/screens/'],
  },
  {
    because: 'they log in by a ControlMaster, which OpenSSH for Windows has not: there the command says so',
    where: onWindows,
    files: ['component/cli/commands/gate/gate-keys.test.ts', 'component/ssh/openssh/'],
    tests: [
      'component/app/bastion-networks.test.ts > the networks of a bastion, by openssh',
      'unit/cli/commands/doctor/check-agreement.test.ts > where it has one of ssh alone, --transport openssh helps as well',
    ],
  },
  {
    because: 'the rules that they print are of nft and iptables; test/unit/intercept has those of pf',
    where: offLinux,
    tests: [
      'component/cli/command-line.test.ts > bin/tshuttle > --dry-run prints rules that exempt the bastion, without root and without connecting',
    ],
  },
  {
    because: 'where nothing captures, -r without more is told of proxies: command-line.test.ts has it',
    where: ({ platform }) => platform === 'win32' || platform === 'openbsd',
    tests: ['unit/cli/what-users-see.test.ts > what is said of each bound of an option'],
  },
  {
    because: 'on Windows --dry-run has no rules to print, and says so',
    where: onWindows,
    tests: [
      'with --log-format json every line on standard error is JSON: problems, warnings, failures',
      'the arguments of sshuttle mean the same, also those of SSHUTTLE_ARGS',
    ].map((title) => `component/cli/command-line.test.ts > bin/tshuttle > ${title}`),
  },
  {
    because: 'queries of containers and other machines are captured on Linux alone',
    where: offLinux,
    tests: ['component/dns/server/dns-server.test.ts > DnsServer for others'],
  },
  {
    because: 'only timedatectl(1) of systemd tells whether the clock is right',
    where: offLinux,
    tests: ['yes', 'no'].map(
      (answer) =>
        `component/cli/commands/doctor/doctor-clock.test.ts > a clock of which timedatectl says: echo ${answer}`,
    ),
  },
  {
    because: 'systemd and cron of Linux, and shells, which are asked for there alone',
    where: offLinux,
    files: [
      'component/cli/commands/service/',
      'component/daemon/service/',
      'unit/daemon/service/cron/',
      'unit/daemon/service/user-manager.test.ts',
    ],
  },
  {
    because:
      'their commands are of /bin/sh, setsid(1) and /proc, and promtool is asked where its package is installed',
    where: offLinux,
    files: ['component/app/events/', 'component/app/metrics/'],
    tests: [
      'component/cli/command-line.test.ts > the command > --on-event hears of both, and that it does not work changes nothing',
    ],
  },
  {
    because:
      'only Linux tells who has a file open; elsewhere the age of the process does, which has a test of its own',
    where: offLinux,
    tests: [
      'component/daemon/files/pid-file.test.ts > of a dead process is replaced, also when another process has got its id',
    ],
  },
  {
    because:
      'id(1) of this machine knows nothing of macOS and Windows; accounts.test.ts imitates that of each besides',
    where: ({ platform }) => platform === 'darwin' || platform === 'win32',
    tests: [
      'homes of others are those of the system, and nobody else has one',
      '"~root" is "/root"',
      '"~root/a/b" is "/root/a/b"',
    ]
      .map((title) => `unit/core/accounts.test.ts > ${title}`)
      .concat(
        ['IdentityFile', 'CertificateFile'].map(
          (keyword) =>
            `component/ssh/config/ssh-config-forms.test.ts > ssh and we do the same with > '~user in ${keyword}'`,
        ),
      ),
  },
  {
    because:
      'only Linux tells of which user a client by TCP is: elsewhere wrong passwords slow down all of this machine together',
    where: offLinux,
    tests: [
      'component/ingress/proxy/proxies.test.ts > guesses of one user of this machine are slowed down, by both protocols together, and nobody else waits',
    ],
  },
  {
    because:
      'pages and commands are those of Linux in test/unit/cli/golden; unit/system-words.test.ts has those of other systems',
    where: offLinux,
    tests: [
      '--help of every command',
      'the manual page, but for its topics',
      'the words that a shell is offered',
    ]
      .map((title) => `unit/cli/what-users-see.test.ts > ${title}`)
      .concat(
        'component/cli/screens/help.test.ts > help > is a screen in every terminal and through a pipe; what was meant is named, with the line to type',
        'component/cli/screens/doctor.test.ts > doctor',
      ),
  },
  {
    because:
      'npm, its tar and the bundler of this machine, which are no part of what takes itself to be elsewhere',
    where: offLinux,
    files: ['component/cli/build.test.ts'],
    tests: [
      'component/cli/package.test.ts > the package > is installed by npm with its man page, runs with nothing but what is in it, and leaves nothing when it is removed',
    ],
  },
  {
    because:
      'they have the control socket by its path; control.test.ts asks by named pipes besides, and pipe-key.test.ts has their key',
    where: onWindows,
    tests: [
      'is only for this user, and gone with its server',
      'survives 100,000 malformed requests, and answers the next good one',
      'reads no more from a client that does not read',
      'ends a client whose line has no end, and for the 33rd the one that has been idle for longest',
      'of a process that was killed is removed by whoever finds it',
      'tells of a daemon that does not answer, and of one of another version',
      'waits for an answer for as long as the daemon greets others, and no longer',
      'cannot have too long a path, and says so',
    ].map((title) => `component/daemon/control/control.test.ts > the control socket > ${title}`),
  },
  {
    because:
      'without koffi nothing tells who is at the other end of a unix socket: the modes of folder and socket keep others out, as doctor says',
    where: withoutKoffi,
    tests: [
      'component/daemon/control/control.test.ts > the control socket > refuses another user, even where the folder lets them in',
      'component/daemon/control/control.test.ts > the control socket > tells of a daemon that does not answer, and of one of another version',
      'component/daemon/control/control.test.ts > the control socket > waits for an answer for as long as the daemon greets others, and no longer',
      'component/daemon/control/control.test.ts > a daemon of somebody else > whose socket is as ours are is told nothing',
      'component/daemon/control/control.test.ts > a daemon of somebody else > in the place of an ssh to join is given no connection',
    ],
  },
  {
    because: 'without koffi nothing tells the limit of descriptors, so that 1,024 are taken for it',
    where: withoutKoffi,
    tests: [
      'component/ingress/proxy/proxies.test.ts > 1,100 idle clients of the HTTP proxy are few when they have been there for a moment; one that asks is answered',
    ],
  },
  {
    because:
      'Windows has no users, groups, modes and root that Node.js could tell, nor unix sockets, /dev/fd and ps(1)',
    where: onWindows,
    files: ['component/core/files/folders.test.ts', 'component/dns/pass-through/pass-through.test.ts'],
    tests: [
      'component/core/files/regular-file.test.ts > a file that is replaced > has the mode it should have, whatever the umask is, and a link to it stays one',
      ...[
        'a socket is refused at once by whatever reads a file, by name and behind a link',
        'a socket is refused at once by whatever writes a file, and stays',
        'what a shell has opened for us is read, also a pipe',
      ].map((title) => `component/core/files/regular-file.test.ts > what is no file > ${title}`),
      'component/daemon/control/control.test.ts > the control socket > refuses another user, even where the folder lets them in',
      'component/daemon/control/control.test.ts > a daemon of somebody else',
      'component/daemon/files/pid-file.test.ts > of a dead process is replaced where its id was given to a process that is younger than the file',
      'unit/cli/program/compiled-code.test.ts > the folder of compiled code > is made for its user alone, and there is one version',
      'unit/cli/program/compiled-code.test.ts > the folder of compiled code > is none for root below a folder of somebody else',
      ...[
        '/tmp/s:db:5432',
        '~/s:[::1]:5432',
        './s:db:5432',
        '/tmp/s:/run/a',
        '[/tmp/a:b]:/run/a',
        '/tmp/a\\:b:/run/a\\\\c',
        '"/tmp/s:5432" is none',
        '"/tmp/s" is none',
      ].map((title) => `unit/config/parse/forward.test.ts > ${title}`),
      ...[
        '--user root --user 1001 --group 0',
        '-L 5432:db:5432 -L [::1]:80:[fd00::1]:443 -L /tmp/s:db:1 -L 1:/run/s',
        '-L ./s:db:1 -L run/s:db:2',
      ].map(
        (line) =>
          `unit/config/profiles/profile-of-options.test.ts > as a profile it means the same, in another folder too: ${line}`,
      ),
      'unit/config/parse-config.test.ts > the way to the bastion > makes programs of users, groups and control groups, by name, number, path or unit',
      'unit/cli/what-users-see.test.ts > what each option comes to, and what a reload does with it',
      'unit/cli/what-users-see.test.ts > what each key of a profile comes to',
      'unit/net/machine/namespace/ssh-config-files.test.ts > the included files of root',
      'unit/ssh/sudo-remedies.test.ts > as root by sudo',
      'component/ssh/config/resolve-target.test.ts > %C and the other tokens are those of ssh',
      'component/ssh/connect-sshd.test.ts > with a host key that is not known > accept-new files it without asking, in a file and a directory that it makes',
      'component/ssh/connect-sshd.test.ts > identity files > one that others may read is not used',
      ...[
        'what everybody can write',
        'what another group can write, or another user owns',
        'a link of another user to a file of this one',
      ].map((what) => `component/config/trusted-file.test.ts > readTrustedFile > refuses ${what}`),
      "component/config/edit-profile-file.test.ts > the file is its user's alone when it is new, and keeps its mode after that",
      'component/daemon/files/rotating-file.test.ts > only its user can read it',
      'component/cli/daemon.test.ts > the log and its folder are for their user alone',
      ...[
        'a file is taken: nobody is connected to, and it stays as it was',
        'a socket that is listened at is taken: nobody is connected to, and it stays as it was',
        'a folder that is not there is taken: nobody is connected to, and it stays as it was',
        'a socket that a killed tunnel has left behind is replaced',
      ].map((title) => `component/tunnel/forwards.test.ts > ${title}`),
      'component/tunnel/forwards.test.ts > a unix socket is ours alone, leads to a unix socket of the bastion, and is gone at the end',
    ],
  },
];

/** Where the tests of this process take themselves to be; .ci/vitest.config.ts says how. */
export function surroundings(): Surroundings {
  const { TSHUTTLE_TEST_PLATFORM: simulated, TSHUTTLE_TEST_KOFFI: koffi } = process.env;
  return { platform: simulated ?? process.platform, isKoffiAbsent: koffi === 'absent' };
}

/** The test files that do not run there, each with the reason. @param folder of the tests, with a slash at the end */
export function filesLeftOut(there: Surroundings, folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
    name.replaceAll('\\', '/'),
  );
  const found = new Map<string, string>();
  for (const { because, files = [], but = [] } of rowsOf(there)) {
    for (const name of names.filter((one) => one.endsWith('.test.ts'))) {
      if (files.some((place) => isAt(name, place)) && !but.some((place) => isAt(name, place)))
        found.set(name, because);
    }
  }
  return found;
}

/** Why a test does not run there; undefined for one that does. @param name its file below test/ and its titles, as vitest joins them */
export function whyLeftOut(there: Surroundings, name: string): string | undefined {
  return rowsOf(there).find(({ tests = [] }) =>
    tests.some((one) => name === one || name.startsWith(`${one} > `)),
  )?.because;
}

function rowsOf(there: Surroundings): readonly LeftOut[] {
  return LEFT_OUT.filter(({ where }) => where(there));
}

function isAt(name: string, place: string): boolean {
  return place.endsWith('/') ? name.startsWith(place) : name === place;
}
