/*
 * Words that belong to one system: nobody is told to do what does not work on his. Held against pages and messages by
 * test/unit/system-words.test.ts, and against the whole manual, as each system prints it, by test/component/cli/platforms.test.ts.
 */

const LINUX_ALONE =
  /\bapt(?:-get)?\b|\bdnf\b|pacman|\bnft\b|nftables|iptables|systemctl|systemd|journalctl|loginctl|timedatectl|\/proc\/|XDG_RUNTIME_DIR|\/run\/user|\bip (?:link|route|addr|netns|-6)\b|\bsysctl\b|prlimit|LimitNOFILE|CAP_NET_ADMIN|\bfuser\b|getent ahosts|resolvectl|NetworkManager|\beth0\b|man -l|bpftool|\bufw\b|127\.0\.0\.53|IPAddressDeny|\bsg GROUP|cgroup2/;
const PF_ALONE = /pfctl|\/etc\/pf\.conf|anchor of pf|\blo0\b/;
const MACOS_ALONE =
  /\bbrew\b|launchd|launchctl|scutil|caffeinate|com\.apple|~\/Library|System Settings|sntp|keychain/i;
const FREEBSD_ALONE = /\bpkg install\b|kldload|onestart|sockstat|\bipfw\b|\/usr\/local\/etc/;
const WINDOWS_ALONE = /%LOCALAPPDATA%|%USERPROFILE%|winget|w32tm|icacls|Get-Content|Task Scheduler|netsh/;
const UNIX_ALONE = /(?<!-)\bsudo\b|chmod|chown|\/usr\/|ulimit|crontab|~\/\.local/;

/** Where nothing redirects connections. */
const CAPTURING_ALONE = /-r BASTION SUBNET|say what to capture|-> capture it/;
/** OpenSSH for Windows cannot. */
const MASTER_ALONE = /--transport openssh has|use --transport openssh|without --transport openssh/;

const FOREIGN: Readonly<Record<string, readonly RegExp[]>> = {
  linux: [PF_ALONE, MACOS_ALONE, FREEBSD_ALONE, WINDOWS_ALONE],
  darwin: [LINUX_ALONE, FREEBSD_ALONE, WINDOWS_ALONE],
  freebsd: [LINUX_ALONE, MACOS_ALONE, WINDOWS_ALONE],
  win32: [LINUX_ALONE, PF_ALONE, MACOS_ALONE, FREEBSD_ALONE, UNIX_ALONE, CAPTURING_ALONE, MASTER_ALONE],
  openbsd: [LINUX_ALONE, PF_ALONE, MACOS_ALONE, FREEBSD_ALONE, WINDOWS_ALONE, CAPTURING_ALONE],
};
/** Those that have words of their own, and one that has none. */
export const PLATFORMS = Object.keys(FOREIGN) as NodeJS.Platform[];

/** Pages about another machine: of bastions and of WSL2. */
export const OF_OTHER_MACHINES: ReadonlySet<string> = new Set(['bastion', 'windows']);

/** The lines of a text that have words of other systems. */
export function foreignWords(text: string, platform: NodeJS.Platform): readonly string[] {
  const patterns = FOREIGN[platform] ?? [];
  return text
    .split('\n')
    .filter((line) => patterns.some((pattern) => pattern.test(line)))
    .map((line) => `${platform}: ${line}`);
}

/** All of them in one. */
export const OF_ONE_SYSTEM = new RegExp(
  [LINUX_ALONE, PF_ALONE, MACOS_ALONE, FREEBSD_ALONE, WINDOWS_ALONE].map(({ source }) => source).join('|'),
);
