import type { SystemWords } from '../../../core/systems/words.ts';
import { type Block, commands, list, paragraph, type Topic } from './topic.ts';

/** Tunnels that stay: in the background, by name, at login, over outages. */
export const runningTopics = (system: SystemWords): readonly Topic[] => [
  {
    name: 'background',
    summary: '-D, its log and process id, and arguments from a file',
    blocks: [
      paragraph(
        '-D returns 0 exactly when traffic is being captured, and prints the process id and the log; tshuttle down NAME ends it. The log is ' +
          `USER@HOST.log in ${system.stateFolder}; only you can read it, and it is rotated. The process id is ` +
          'beside it, in USER@HOST.pid, or where --pidfile says; a port other than 22 is behind a plus. A second tunnel through the ' +
          'same bastion needs a --pidfile of its own, which names its log, too.',
      ),
      commands(
        'tshuttle -D -r bastion 10.0.0.0/8',
        'tshuttle logs -f',
        'tshuttle status',
        'tshuttle down --all',
      ),
      paragraph(
        'Logs are readable on a terminal and JSON lines elsewhere. -v shows every connection when it ends, with its cause (tshuttle help log).',
      ),
      paragraph(
        '@FILE takes arguments from a file: words as in a shell, # begins a comment. Those in TSHUTTLE_ARGS come first.',
      ),
    ],
  },
  {
    name: 'profiles',
    summary: 'tunnels by name: up, down, restart, reload, status',
    blocks: [
      paragraph(
        `${system.profileFile} names tunnels. The keys are the options (subnets, excludes, zones, dns, to_ns, identity, ` +
          'ssh_options, ...); tshuttle config schema prints them all, for editors too.',
      ),
      commands(
        'profiles:',
        '  office:',
        '    remote: me@bastion.example.com',
        '    subnets: [10.0.0.0/8, db.example.com]',
        '    excludes: [10.1.0.0/16]',
      ),
      paragraph(
        '--save office, behind a command line that works, names its tunnel office, and writes it there as soon as it is up; tshuttle config add office -r ... does so ' +
          'without connecting. config show, edit, remove and check do the rest, keep your comments, and leave the file alone where anything ' +
          'would be wrong.',
      ),
      paragraph(
        'tshuttle up office returns when traffic is captured, and names the networks that two tunnels, your local network or another VPN ' +
          'have as well. down, restart, reload, status, logs -f and login take names too, all but login several, and all ' +
          'have --json, as list has. status shows tunnels of -D and of other terminals as well. reload puts changed subnets and ' +
          'zones in force at once, touches no flow, and says what needs a restart.',
      ),
      paragraph(
        'A .tshuttle.yaml in this folder or above it works the same, but may name nothing that runs a command. Neither file may hold a password.',
      ),
    ],
  },
  {
    name: 'status',
    summary: 'whether all is well: status, is-up, prompts and status bars, JSON',
    blocks: [
      paragraph(
        'tshuttle status shows a line for each tunnel, what it captures, after ! what is wrong, and after -> what to do. The symbols, and what ' +
          'stands for them where the locale has none:',
      ),
      list(
        ['● (*) up', 'all is well, also while the bastion has closed an idle connection: exit code 0'],
        ['◐ (~) connecting', 'it connects for the first time, or again by itself: 1'],
        ['! works badly', 'it is up, and nothing arrives or everything fails: 2'],
        ['○ (o) needs you', 'it waits for a login, or does not answer: 3'],
        ['○ (o) not up', 'with NAME, a profile that is not up; without, no tunnel is: 4'],
      ),
      paragraph(
        'The exit code is that of the worst, also with --json, --format and of is-up, which prints nothing but why not. A script waits with: ' +
          'until tshuttle is-up office; do sleep 1; done. --watch goes on: on a terminal as a screen, elsewhere it prints again what has changed. ' +
          'Colours heed NO_COLOR.',
      ),
      paragraph(
        '--format TEXT is one line for prompts and bars: TEXT for each tunnel, in which {mark}, {name}, {state}, {health}, {since}, {open}, {waiting}, ' +
          '{rtt}, {bastion} and {problem} are replaced; empty where no tunnel is up. In ~/.config/starship.toml, asked only while something is up:',
      ),
      commands(
        '[custom.tshuttle]',
        `command = "tshuttle status --format '{mark}{name}'"`,
        `when = "${somethingIsUp(system)}"`,
        'format = "[$output]($style) "',
      ),
      paragraph(
        'For a prompt of bash, in ~/.bashrc; and for a bar that reads lines, such as i3blocks or waybar:',
      ),
      commands(
        `PS1='$(tshuttle status --format "{mark}{name}" 2>/dev/null) '"$PS1"`,
        "tshuttle status --watch --format '{mark}{name} {open}'",
      ),
      paragraph(
        '--json has for each tunnel, beside its report, health (up, connecting, works-badly, needs-you), problems (kind, level, what, remedy, lastAtMs), ' +
          'shares (what, winner, loser: what two tunnels capture) and names; and for all together health and down, the names that are not up.',
      ),
      paragraph(
        'tshuttle top [NAME] goes on, too, with the connections: how fast each moves, how old it is and, on a wide terminal, how long the bastion took ' +
          `to open it. ${whoOpened(system)} A list that is longer than the screen is scrolled by the arrows, PgUp, PgDn, Home, End, j and k. Keys:`,
      ),
      list(
        ['r, d, u, t, a', 'sort by rate, rate down, rate up, bytes in total, age'],
        ['p, n', 'sort by program, by name of the destination'],
        ['/', 'filter by destination, address, program, pid or tunnel: Enter keeps it, Esc clears it'],
        ['g', 'a line for each destination'],
        ['f', 'failures: connections that were not carried, by cause and destination, with what to do'],
        ['Tab', 'the next of several tunnels, or all'],
        ['?, Esc, q', 'help; leave what was entered last; quit'],
      ),
      paragraph(
        'tshuttle top [NAME] --json has all that, a line of JSON with the same exit codes, and beside it: atMs; word, mark, upBytesPerSec and ' +
          'downBytesPerSec of each tunnel; flows (tunnel, destination, address, originator, program, stage, ageMs, bytesUp, bytesDown and both rates), those ' +
          'that move most first; failures (tunnel, cause, what, count, lastAtMs, lastDestination, remedy, and destinations: destination, count, lastAtMs, why); and ' +
          'totals. It takes a second, for the rates; --watch goes on, a line each second.',
      ),
      paragraph(
        'tshuttle top [NAME] --web shows the same as a page, live, until Ctrl-C. It listens on 127.0.0.1, at --port or any that is free, and prints the ' +
          'address, with a token that is another one each time: only who has it sees your tunnels, no other user of this machine and no other page of your ' +
          'browser, and nobody can change anything. The browser keeps the token for itself, and the page takes it out of the address bar; open ' +
          'what was printed, not what is there then. While no such page is to be seen, no tunnel is asked. From another machine: ssh -L ' +
          '8800:127.0.0.1:8800, --port 8800, and localhost for 127.0.0.1 if you like.',
      ),
    ],
  },
  {
    name: 'service',
    summary: 'at login or at boot, without a terminal',
    blocks: [...serviceBlocks(system)],
  },
  {
    name: 'outages',
    summary: 'what happens while the bastion is lost',
    blocks: [
      paragraph(
        'tshuttle connects again, for as long as it takes, and at once when the network has changed or the machine wakes. The rules stay. ' +
          'What was open is reset, so that programs try again; new connections are held for up to --hold-seconds (30) and then ' +
          'carried. --on-down reject resets them at once, --on-down direct captures nothing meanwhile, and --on-down exit ends with ' +
          '75, for a service manager.',
      ),
      paragraph(
        'A login that is refused is not tried again by itself. One that asks, as for a one-time code, is made only when something ' +
          'waits and there is a terminal or SSH_ASKPASS. tshuttle login NAME makes either at once, and asks where you are.',
      ),
      paragraph(
        'Several bastions, -r A -r B or remote: [A, B] in a profile, stand in for each other. They are tried in order: the next one as soon as one has ' +
          'failed, or was not reached within 0.75 s; the first that lets us in is used. Each has its own login: one that refuses is left alone ' +
          'until tshuttle login, one that asks is called only where somebody can answer, and no two ask at once. tshuttle goes back to an earlier ' +
          'one only when nothing flows, asking nobody. status says which one it is. -i, -J, -o and -F hold for all of them; for settings of ' +
          'their own name them as Hosts of the ssh configuration. -r of TSHUTTLE_ARGS or @FILE does not add to that of the command line.',
      ),
      paragraph('A bastion that hangs up on an idle connection is connected again when it is needed.'),
    ],
  },
];

/** A command that starts nothing of ours, where there is a shell of POSIX: a prompt is shown often. */
function somethingIsUp({ platform, stateFolder }: SystemWords): string {
  if (platform === 'win32') return 'tshuttle is-up';
  return `ls ${platform === 'linux' ? '$XDG_RUNTIME_DIR/tshuttle' : stateFolder}/*.sock`;
}

function whoOpened({ platform }: SystemWords): string {
  return platform === 'linux'
    ? 'PROGRAM is the one of this machine that has opened it, of your own or, for root, of all; what another machine opened has its address.'
    : 'Which program opened it is told on Linux alone: here only lsof knows, and takes longer for it than a look may.';
}

function serviceBlocks(system: SystemWords): readonly Block[] {
  if (system.serviceManager === undefined) {
    return [
      paragraph(`tshuttle service is of Linux and macOS. On ${system.name}: ${system.startAtLogin}.`),
      ...(system.redirector === undefined
        ? []
        : [paragraph('Nobody can be asked for a password then: tshuttle sudoers --install comes first.')]),
    ];
  }
  const first = [
    commands('tshuttle sudoers --install', 'tshuttle service install office'),
    paragraph(
      `tshuttle service install [NAME...] has your ${system.serviceManager} start profiles at login, and again whenever they fail` +
        `${system.platform === 'linux' ? '; with loginctl enable-linger, at boot' : ''}. ` +
        'Nobody can be asked for a password then, so tshuttle sudoers --install comes first.',
    ),
  ];
  if (system.platform !== 'linux') {
    return [
      ...first,
      paragraph(
        'The agent is ~/Library/LaunchAgents/tshuttle.agent.plist, and its log ~/Library/Logs/tshuttle.log. Keys come from the ssh-agent ' +
          'of launchd, which keeps passphrases in the keychain (ssh-add --apple-use-keychain). tshuttle service status shows it, and ' +
          'tshuttle service uninstall removes it. --print only shows the agent.',
      ),
    ];
  }
  return [
    ...first,
    paragraph(
      'tshuttle service install --system NAME, as root, starts one at boot without sudo, as a user that may change the network and ' +
        'nothing else. It reads /etc/tshuttle/config.yaml, and its key and host keys are /etc/tshuttle/NAME/identity and known_hosts.',
    ),
    paragraph(
      'Your systemd runs from your first login on, or from boot with loginctl enable-linger. After su or sudo -u, and in a container, there may be none: ' +
        'service install says so, and what to do. Where no systemd runs at all (WSL, a container, another init system) cron starts the profiles at boot: ' +
        'a line @reboot in your crontab starts ~/.config/tshuttle/start-at-boot, which tries until they are up. Cron does not start them again when they end.',
    ),
    paragraph(
      'tshuttle service status shows what is installed, by which of them, and whether it runs; tshuttle service uninstall removes it. --print only shows the unit, or the script.',
    ),
  ];
}
