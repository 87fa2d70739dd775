import type { SystemWords } from './words.ts';

/** Debian and its like; where distributions differ, the others are named. */
export const LINUX: SystemWords = {
  platform: 'linux',
  name: 'Linux',
  withoutRoot: 'tshuttle run --isolated, tshuttle run --rootless and --socks need no root',
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
  temporaryVariable: 'TMPDIR',
  profileFile: '~/.config/tshuttle/config.yaml',
  followFile: (path) => `tail -f ${path}`,
  showRights: (path) => `ls -l ${path}`,
  manualReader: 'man -l -',
  serviceManager: 'systemd',
  startAtLogin: 'a unit of systemd starts it',
  administrators: 'sudo',
  sudoersFile: '/etc/sudoers.d/tshuttle',
  grantableNode:
    "start it with a Node.js of the system's packages or of nodejs.org: /usr/bin/node bin/tshuttle sudoers --install",
  notifier: 'notify-send',
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
  forgottenRedirects: 'conntrack flushed or timed out',
  whoForgetsRedirects: 'conntrack -F of another program, or a NOTRACK rule: nft list ruleset',
  endsNoSockets: 'this kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY)',
  wherePermitted: 'as root, with CAP_NET_ADMIN in a container',
  loadModules: (modules) => `the kernel lacks NAT support: load ${modules}`,
};
