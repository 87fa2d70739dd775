/**
 * How people do things on one system: the only place for commands, paths and names that hold on one system and not on another, so that
 * nobody is told to do what does not work there. `test/unit/system-words.test.ts` holds all other files, and all pages, to that.
 */
export interface SystemWords {
  readonly platform: NodeJS.Platform;
  /** What people call it. */
  readonly name: string;
  /** What redirects connections there, for people; undefined where nothing does. */
  readonly redirector: string | undefined;
  /** The command that installs a package. */
  readonly install: (packageName: string) => string;
  /** Has packages leave the machine in smaller pieces, where those of full size are lost. */
  readonly lowerMtu: string;
  /** Where a process gets its limit of open files from. */
  readonly moreDescriptors: string;
  /** The same for a process that runs; undefined where nothing changes it. */
  readonly moreDescriptorsOf: ((pid: number) => string) | undefined;
  /** Where programs read which resolvers and search domains there are. */
  readonly resolverSettings: string;
  /** For a sentence about queries: which resolvers of this machine itself they may go to, as well. */
  readonly localResolvers: string;
  /** Looks a name up as programs do. */
  readonly lookUpName: string;
  /** Which process has a file, or a socket, open. */
  readonly whoHasOpen: (path: string) => string;
  /** Which processes listen on which ports. */
  readonly whoListens: string;
  /** Sets the clock by the network. */
  readonly setClock: string;
  /** Where logs and process ids are. */
  readonly stateFolder: string;
  /** The variable that names the folder above it. */
  readonly stateVariable: string;
  /** The variable that names where what lasts for a session belongs, sockets above all. */
  readonly sessionVariable: string;
  /** Where the user's profiles are. */
  readonly profileFile: string;
  /** Shows what a file gets, as it comes. */
  readonly followFile: (path: string) => string;
  /** Shows who may do what with a file. */
  readonly showRights: (path: string) => string;
  /** Reads the source of a manual page from a pipe; undefined where there is no such program. */
  readonly manualReader: string | undefined;
  /** What starts tunnels at login; undefined: nothing that tshuttle has a way to. */
  readonly serviceManager: string | undefined;
  /** For a sentence: how the user has a profile start at login, where {@link serviceManager} is undefined. */
  readonly startAtLogin: string;
  /** What sudo reads of ours; its name has no dot (sudoers(5), includedir). */
  readonly sudoersFile: string;
  /** What keeps the machine awake during `run`; undefined: nothing. */
  readonly sleepGuard: string | undefined;
  /** Gives a network a way out, which a connection needs before it can be redirected. */
  readonly addRoute: (family: 4 | 6, network: string) => string;
  /** Shows the routes that lead nowhere, of a kind as the kernel names it. */
  readonly showRejectRoutes: (kind: string) => string;
  /** What else may forbid this process a connection. */
  readonly whatForbids: string;
  /** What to do about a rule of another program that drops the answers to redirected connections. */
  readonly acceptReplies: string;
  /** What removes all rules, those of others too. */
  readonly rulesRemovers: string;
  /** How those of a tunnel are kept from that. */
  readonly keepRules: string;
  /** Where changing rules of the packet filter is permitted. */
  readonly wherePermitted: string;
  /** Has the kernel know the packet filter that redirects; `modules` as they are called there. */
  readonly loadModules: (modules: string) => string;
}

/** Where sudo is a part of the system; a package of FreeBSD keeps its files below /usr/local. */
const SUDOERS_FILE = '/etc/sudoers.d/tshuttle';

const LINUX: SystemWords = {
  platform: 'linux',
  name: 'Linux',
  redirector: 'nft or iptables',
  install: (packageName) => `apt install ${packageName} (or dnf, apk, pacman, zypper)`,
  lowerMtu: 'sudo ip link set dev DEVICE mtu 1280',
  moreDescriptors: 'LimitNOFILE=65536 in its systemd unit, ulimit -n 65536 in the shell that starts it',
  moreDescriptorsOf: (pid) => `sudo prlimit --pid ${pid} --nofile=65536`,
  resolverSettings: '/etc/resolv.conf',
  localResolvers: 'also to 127.0.0.53 and the resolvers behind it',
  lookUpName: 'getent ahosts NAME',
  whoHasOpen: (path) => `fuser -v ${path}`,
  whoListens: 'ss -ltnp',
  setClock: 'timedatectl set-ntp true',
  stateFolder: '~/.local/state/tshuttle',
  stateVariable: 'XDG_STATE_HOME',
  sessionVariable: 'XDG_RUNTIME_DIR',
  profileFile: '~/.config/tshuttle/config.yaml',
  followFile: (path) => `tail -f ${path}`,
  showRights: (path) => `ls -l ${path}`,
  manualReader: 'man -l -',
  serviceManager: 'systemd',
  startAtLogin: 'a unit of systemd starts it',
  sudoersFile: SUDOERS_FILE,
  sleepGuard: 'systemd',
  addRoute: (family, network) =>
    family === 4
      ? `sudo ip route add ${network} dev lo src 127.0.0.1`
      : `sudo ip -6 route add ${network} dev lo`,
  showRejectRoutes: (kind) => `ip route show table all type ${kind}`,
  whatForbids:
    'see IPAddressDeny= of its systemd unit, or what else has a BPF program on its cgroup: bpftool cgroup tree',
  acceptReplies:
    'accept what comes in by lo before that rule, it is in a chain of prerouting or input: nft list ruleset',
  rulesRemovers: 'nft flush ruleset, iptables -F',
  keepRules: 'rules by --method nft are those that no other program can remove (Linux 5.12)',
  wherePermitted: 'as root, with CAP_NET_ADMIN in a container',
  loadModules: (modules) => `the kernel lacks NAT support: load ${modules}`,
};

/** What macOS and the BSDs have in common. */
const BSD = {
  lowerMtu: 'sudo ifconfig DEVICE mtu 1280',
  moreDescriptors: 'ulimit -n 65536 in the shell that starts it',
  moreDescriptorsOf: undefined,
  stateFolder: '~/.local/state/tshuttle',
  stateVariable: 'XDG_STATE_HOME',
  sessionVariable: 'XDG_STATE_HOME',
  profileFile: '~/.config/tshuttle/config.yaml',
  followFile: (path: string) => `tail -f ${path}`,
  showRights: (path: string) => `ls -l ${path}`,
  manualReader: 'mandoc -a',
  showRejectRoutes: () => 'netstat -rn, whose flags R and B mark them',
} as const;

const MACOS: SystemWords = {
  ...BSD,
  platform: 'darwin',
  name: 'macOS',
  redirector: 'the packet filter, pf',
  install: (packageName) => `brew install ${packageName}`,
  moreDescriptors: 'NumberOfFiles in its launchd plist, ulimit -n 65536 in the shell that starts it',
  resolverSettings: 'the DNS settings of macOS (scutil --dns)',
  localResolvers: 'to whichever resolver macOS asks',
  lookUpName: 'dscacheutil -q host -a name NAME',
  whoHasOpen: (path) => `lsof ${path}`,
  whoListens: 'lsof -nP -iTCP -sTCP:LISTEN',
  setClock: 'System Settings, General, Date & Time: set it automatically; or sudo sntp -sS time.apple.com',
  serviceManager: 'launchd',
  startAtLogin: 'an agent of launchd starts it',
  sudoersFile: SUDOERS_FILE,
  sleepGuard: 'caffeinate',
  addRoute: (family, network) =>
    `sudo route -n add ${family === 4 ? '-net' : '-inet6'} ${network} -interface en0`,
  whatForbids:
    'see what filters connections: System Settings, Network, VPN & Filters; pf: sudo pfctl -s rules',
  acceptReplies:
    'have that rule leave out what comes in by lo0: sudo pfctl -s rules; and see VPN & Filters in System Settings, Network',
  rulesRemovers: 'pfctl -F all, or pfctl -f without the anchors of com.apple',
  keepRules: 'it should load rules into an anchor of its own (pfctl -a), and flush no other',
  wherePermitted: 'as root, on a Mac whose owner or administrator permits it',
  loadModules: () => 'see what pf says: sudo pfctl -s info',
};

const FREEBSD: SystemWords = {
  ...BSD,
  platform: 'freebsd',
  name: 'FreeBSD',
  redirector: 'the packet filter, pf',
  install: (packageName) => `pkg install ${packageName}`,
  resolverSettings: '/etc/resolv.conf',
  localResolvers: 'also to one on this machine and those behind it',
  lookUpName: 'getent hosts NAME',
  whoHasOpen: (path) => `sockstat -u | grep ${path}`,
  whoListens: 'sockstat -l',
  setClock: 'sudo service ntpd onestart',
  serviceManager: undefined,
  startAtLogin: 'write @reboot tshuttle up office into crontab -e, with the whole path of tshuttle',
  sudoersFile: `/usr/local${SUDOERS_FILE}`,
  sleepGuard: undefined,
  addRoute: (family, network) => `sudo route -n add ${family === 4 ? '-net' : '-inet6'} ${network} GATEWAY`,
  whatForbids: 'see the rules of its packet filters: sudo pfctl -s rules, sudo ipfw list',
  acceptReplies: 'have that rule leave out what comes in by lo0: sudo pfctl -s rules, sudo ipfw list',
  rulesRemovers: 'pfctl -F all, pfctl -f, service pf reload',
  keepRules: 'it should load rules into an anchor of its own (pfctl -a), and flush no other',
  wherePermitted: 'as root, and not in a jail without a network stack of its own (vnet)',
  loadModules: (modules) =>
    `load it, and enable it with rules of yours: sudo kldload ${modules}; sudo service pf onestart`,
};

/** What else Node.js runs on: OpenBSD, NetBSD, illumos. */
const OTHER: Omit<SystemWords, 'platform' | 'name'> = {
  ...BSD,
  redirector: undefined,
  install: (packageName) => `${packageName}, by what this system has for that`,
  resolverSettings: '/etc/resolv.conf',
  localResolvers: 'also to one on this machine and those behind it',
  lookUpName: 'getent hosts NAME',
  whoHasOpen: (path) => `fstat | grep ${path}`,
  whoListens: 'netstat -an',
  setClock: 'start the NTP daemon of this system',
  serviceManager: undefined,
  startAtLogin: 'write @reboot tshuttle up office into crontab -e, with the whole path of tshuttle',
  sudoersFile: SUDOERS_FILE,
  sleepGuard: undefined,
  addRoute: (_family, network) => `route add ${network}`,
  whatForbids: 'see what filters connections there',
  acceptReplies: 'have that rule leave out what comes in by loopback',
  rulesRemovers: 'what flushes the packet filter',
  keepRules: 'it should leave those of others alone',
  wherePermitted: 'as root',
  loadModules: (modules) => `see that the kernel has ${modules}`,
};

const WINDOWS: SystemWords = {
  platform: 'win32',
  name: 'Windows',
  redirector: undefined,
  install: (packageName) => `winget install ${packageName}`,
  lowerMtu: 'netsh interface ipv4 set subinterface NAME mtu=1280',
  moreDescriptors: 'end programs that have many open',
  moreDescriptorsOf: undefined,
  resolverSettings: 'the DNS settings of Windows (ipconfig /all)',
  localResolvers: 'in WSL2',
  lookUpName: 'ping -n 1 NAME',
  whoHasOpen: () => 'Task Manager, Details: node.exe',
  whoListens: 'netstat -ano',
  setClock: 'w32tm /resync',
  stateFolder: '%LOCALAPPDATA%\\tshuttle',
  stateVariable: 'LOCALAPPDATA',
  sessionVariable: 'LOCALAPPDATA',
  profileFile: '%USERPROFILE%\\.config\\tshuttle\\config.yaml',
  followFile: (path) => `Get-Content -Wait ${path}`,
  showRights: (path) => `icacls ${path}`,
  manualReader: undefined,
  serviceManager: undefined,
  startAtLogin: 'have Task Scheduler run tshuttle up --foreground office when you log on',
  sudoersFile: SUDOERS_FILE,
  sleepGuard: undefined,
  addRoute: (_family, network) => `route add ${network}`,
  showRejectRoutes: () => 'route print',
  whatForbids: 'see what filters connections there: Windows Security, Firewall & network protection',
  acceptReplies: 'have that rule leave out what comes in by loopback',
  rulesRemovers: 'what resets the firewall',
  keepRules: 'it should leave those of others alone',
  wherePermitted: 'in WSL2: tshuttle help windows',
  loadModules: () => 'use tshuttle in WSL2: tshuttle help windows',
};

const SYSTEMS: Partial<Record<NodeJS.Platform, SystemWords>> = {
  linux: LINUX,
  darwin: MACOS,
  freebsd: FREEBSD,
  win32: WINDOWS,
};

/** The words of a system, as Node.js names it. */
export function systemWords(platform: NodeJS.Platform = process.platform): SystemWords {
  return SYSTEMS[platform] ?? { ...OTHER, platform, name: platform };
}
