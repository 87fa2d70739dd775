import type { SystemWords } from './words.ts';

/** What macOS and the BSDs have in common. */
const BSD = {
  notifier: 'notify-send',
  withoutRoot: 'tshuttle run --rootless and --socks need no root',
  lowerMtu: 'sudo ifconfig DEVICE mtu 1280',
  moreDescriptors: 'ulimit -n 65536 in the shell that starts it',
  moreDescriptorsOf: undefined,
  stateFolder: '~/.local/state/tshuttle',
  stateVariable: 'XDG_STATE_HOME',
  sessionVariable: 'XDG_STATE_HOME',
  temporaryVariable: 'TMPDIR',
  profileFile: '~/.config/tshuttle/config.yaml',
  followFile: (path: string) => `tail -f ${path}`,
  showRights: (path: string) => `ls -l ${path}`,
  manualReader: 'mandoc -a',
  administrators: 'wheel',
  sudoersFile: '/etc/sudoers.d/tshuttle',
  showRejectRoutes: () => 'netstat -rn, whose flags R and B mark them',
  endsNoSockets: 'the packet filter cannot end sockets',
} as const;

/** Of pf. */
const PF = {
  forgottenRedirects: 'states of pf flushed or timed out',
  whoForgetsRedirects:
    'pfctl -F states or -F all of another program; how many states there are: sudo pfctl -s info',
} as const;

/** macOS. */
export const MACOS: SystemWords = {
  ...BSD,
  ...PF,
  platform: 'darwin',
  name: 'macOS',
  administrators: 'admin',
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
  grantableNode:
    'install the Node.js of nodejs.org (its .pkg, or its archive), which needs no libraries beside it, and start tshuttle with that: ' +
    '/usr/local/bin/node bin/tshuttle sudoers --install',
  notifier: 'osascript',
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

/** FreeBSD. */
export const FREEBSD: SystemWords = {
  ...BSD,
  ...PF,
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
  // A package there, which keeps its files below /usr/local.
  sudoersFile: '/usr/local/etc/sudoers.d/tshuttle',
  grantableNode:
    'start it with the Node.js of the packages (pkg install node): /usr/local/bin/node bin/tshuttle sudoers --install',
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
export const OTHER: Omit<SystemWords, 'platform' | 'name'> = {
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
  grantableNode: 'start it with a Node.js of the packages of this system',
  sleepGuard: undefined,
  addRoute: (_family, network) => `route add ${network}`,
  whatForbids: 'see what filters connections there',
  acceptReplies: 'have that rule leave out what comes in by loopback',
  forgottenRedirects: 'flushed or timed out',
  whoForgetsRedirects: 'what else changes the packet filter',
  rulesRemovers: 'what flushes the packet filter',
  keepRules: 'it should leave those of others alone',
  wherePermitted: 'as root',
  loadModules: (modules) => `see that the kernel has ${modules}`,
};
