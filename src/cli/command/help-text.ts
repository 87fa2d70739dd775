import { systemWords } from '../../core/systems/system-words.ts';
import type { SystemWords } from '../../core/systems/words.ts';

/** What `--help` says of the program, its commands and their own options. */
export const textsOn = (system: SystemWords) => ({
  description: `Sends TCP connections to the chosen networks through one ssh connection to a bastion.
Nothing is installed on the bastion, and when tshuttle ends, this machine is as it was.${system.redirector === undefined ? withoutRedirect(system) : ''}`,
  version: 'print the version',
  help: 'print this text',
  programHelp: 'print this text; -h prints one screen of it',
  explain: 'say which tunnel captures a connection, and why',
  explainDescription:
    'Says which of the tunnels that are up captures a connection, by which network or zone, which of several gets it,\n' +
    'and how the last connections there have ended; where none does, which profile would. With the NAME of a profile that\n' +
    'is not up, or the options of a tunnel, also from TSHUTTLE_ARGS and @FILE, what that tunnel would do, and which option\n' +
    'decides. Needs no root, and opens no connection.',
  explained: 'a name or an address, on one port or on all: db.example:5432, 10.0.0.8, [2001:db8::1]:443',
  run: 'run a command inside a tunnel, which ends with the command',
  runDescription:
    "Runs a command once the tunnel carries, and ends the tunnel with it. The exit code is the command's, 126 or 127\n" +
    "when it cannot be run, 128 and the number for a signal; before the command starts it is tshuttle's.\n" +
    'A tunnel of yours that is up and does the same is joined, and stays: one of that NAME, or one through the same\n' +
    'bastion that captures all of SUBNET. Where none is, NAME is a profile, whose tunnel ends with the command.\n' +
    'With --openstack the command starts when the host of auth_url answers through the bastion.\n' +
    'Without root, the command gets proxies instead, as with --rootless.\n' +
    'The command has your whole environment, such as OS_PASSWORD, and with --rootless the password of its\n' +
    'proxies: root and your other programs can read both there.',
  runSubnet: 'what to capture, as of tshuttle; without -r the NAME of a tunnel that is up, or of a profile',
  rootless:
    'capture nothing: the command gets its own proxies by HTTPS_PROXY and its like; other destinations go direct',
  isolated: `capture in a network namespace of the command alone, which needs no root (Linux${system.platform === 'linux' ? '' : ' only'}); other destinations are relayed`,
  only: `capture what the command and its children open, and nothing else on this machine, by redirect rules for its control group (Linux${system.platform === 'linux' ? '' : ' only'})`,
  probe: 'start the command once the bastion can connect to this; waits up to 30 s',
  sudoers: 'let sudo start the helper without a password',
  sudoersDescription:
    'Prints the sudoers line that lets a tunnel start without a password: for one program without\n' +
    'arguments, the helper, in a folder that only root can change.',
  sudoersInstall: `copy the helper there, and install the line in ${system.sudoersFile}, as root, through sudo`,
  sudoersUninstall: 'remove the line, and with the last one the helper',
  sudoersUser: `for this user (default: you); without --install also a group, as in %${system.administrators}`,
  serviceInstall: 'start tunnels at login',
  serviceInstallDescription:
    `Installs a service of your ${system.serviceManager ?? 'session'} that starts the tunnels of these profiles at login, and again\n` +
    'whenever they fail; again with other profiles to change it. Needs tshuttle sudoers --install before,\n' +
    `as no password can be asked for then.${system.platform === 'linux' ? WITHOUT_SYSTEMD + MACHINE_SERVICE : ''}`,
  serviceNames: 'names of profiles in config.yaml (default: all)',
  serviceUninstall: 'stop and remove the services that start tunnels at login',
  serviceUninstallNames: 'with --system: the profiles whose services go (default: all)',
  serviceStatus: 'show the state of the installed services',
  serviceSystem: `services of the machine, not yours${system.platform === 'linux' ? '' : ' (Linux only)'}`,
  servicePrint: `print the ${system.platform === 'darwin' ? 'launchd agent' : 'unit, or the script of cron'}, and install nothing`,
  openstackCheck: 'check whether the bastion reaches each endpoint of a cloud, and say what is wrong',
  openstackCheckDescription:
    'Asks each endpoint of a cloud for a page, without any secret, directly and through the bastion, and says\n' +
    "what is wrong: the bastion's address is not on the allow-list, the tunnel is broken, TLS names differ.\n" +
    'The catalog is requested through the bastion with its token, application credential or password;\n' +
    '--openstack-catalog=FILE or =cli needs none of them. No rule is set; a running tunnel captures\n' +
    'the direct way, too.\n' +
    'Exit code 0 when all endpoints work, 1 when one does not.',
  openstackChecked: 'of clouds.yaml or OS_* (default: OS_CLOUD)',
  bastionInit: 'print what makes a machine or a container a bastion that forwards and does nothing else',
  bastionInitDescription:
    'Prints what makes a bastion: a script for a Debian or Ubuntu, user-data for cloud-init, or a Containerfile.\n' +
    'Its account for tunnels forwards TCP and can do nothing else: no shell, no file, no terminal, no agent, no listener,\n' +
    'nothing that listens on the bastion itself, and never the addresses at which clouds give credentials away.\n' +
    'Connects to nobody, and changes nothing by itself; tshuttle help bastion has the steps.',
  bastionInitFor:
    'debian: a script to run there as root; cloud-init: user-data; container: a Containerfile, for no rights at all; gate: a script, for a machine whose keys tshuttle gate keys changes',
  bastionInitUser: 'the account that tunnels log in to',
  bastionInitKey:
    'public key (.pub) that may log in, or several, one on a line; - is standard input; repeatable',
  bastionInitCa: 'public key of an authority whose certificates for the account may log in; repeatable',
  bastionInitManagementKey:
    'with --for gate: public key (.pub) that may change the keys of the gate, and do nothing else; repeatable',
  bastionInitAllow:
    'where tunnels may connect to: a network, an address or a name, with a port or without; repeatable (default: private networks)',
  bastionInitTotp: 'ask for a one-time code after the key',
  bastionInitFail2ban: 'ban addresses that fail to log in, also with wrong keys of an account that exists',
  bastionInitAuditLog: 'log each destination that a tunnel connects to, or is refused',
  bastionAudit: 'say what a bastion lets one do that a tunnel does not need, and the line that ends it',
  bastionAuditDescription:
    'Logs in once, by the ssh of this machine, and tries what a tunnel does not need: a shell, a terminal, SFTP, an agent,\n' +
    'listening there, unix sockets, the bastion itself, the addresses of a cloud’s credentials, the world; and looks at what its\n' +
    'sshd offers. Nothing is sent to what it connects to. Each row has the line of sshd_config or authorized_keys that mends it.\n' +
    'Exit code 0 when nothing is open that is not needed, 1 when something is.',
  bastionAuditDestination: 'what the bastion has to connect to: db.example:5432',
  bastionInitOutput: 'write the files below this folder',
  gateCreate: 'print the openstack commands and the user-data for a gate on a network',
  gateCreateDescription:
    'Prints a shell script that creates a gate with the openstack command: a security group, a server with the user-data of\n' +
    'bastion init --for gate, a floating IP, and the command that adds the gate here. It does not call the cloud itself.',
  gateNetwork: 'the network of the servers behind the gate',
  gateFlavor: 'a flavor from openstack flavor list; the smallest will do',
  gateImage: 'a Debian or Ubuntu image from openstack image list',
  gateExternal: 'the external network that its floating IP comes from',
  gateManagementKeyFile:
    'public key (.pub) that may change the keys of the gate, and do nothing else; repeatable',
  gateAdd: 'add a gate to config.yaml, under a name',
  gateAddDescription:
    'A gate is an ssh server that leads to the servers of a network behind it, and does nothing else.\n' +
    'It is written under gates: in config.yaml, where comments are kept.',
  gateName: 'what you call it',
  managementKey: 'private key with which tshuttle gate keys logs in to change its keys',
  managementUser: 'the account there that changes its keys (default: that of -r)',
  gateList: 'list the gates of config.yaml',
  gateShow: 'show what config.yaml says of a gate',
  gateRemove: 'remove a gate from config.yaml',
  gateRemoveDescription:
    'Removes a gate from config.yaml, unless targets are behind it. The gate itself is not touched.',
  gateKeysList: 'list the keys that may log in to a gate',
  gateKeysAdd: 'add a key that may log in to a gate',
  gateKeysAddDescription:
    'Logs in to the gate with its management key, and adds a public key that may forward and do nothing else; a key that is there already\n' +
    'gets these options. The file is replaced as a whole: by the script of bastion init --for gate, or else over SFTP.',
  publicKeyFile: 'the .pub file of the key; - for standard input',
  permitOpen: 'where it may forward to (default: everywhere that the gate allows); repeatable',
  gateKeysRemove: 'remove a key that may log in to a gate',
  gateKeysRemoveDescription:
    'Logs in to the gate with its management key, and removes a public key. Open connections stay open. The management key itself\n' +
    'is never removed.',
  publicKeyOrFingerprint: 'the .pub file of the key, or its fingerprint, as tshuttle gate keys list has it',
  targetAdd: 'add a server behind a gate to config.yaml, under a name',
  targetSet: 'change a target',
  targetDescription:
    'A target is a server behind a gate, and how to log in to it. It is written under targets: in config.yaml,\n' +
    'where comments are kept. tshuttle -r NAME, or -r UUID, goes there; tshuttle target ssh-config tells ssh about it.',
  targetName: 'what you call it',
  targetNames: 'names of targets (default: all)',
  targetGate: 'the gate that it is behind, from tshuttle gate list',
  targetServer: 'what the gate knows it by',
  targetUser: 'the account to log in to there',
  targetList: 'list the targets of config.yaml',
  targetShow: 'show what config.yaml says of a target',
  targetRemove: 'remove a target from config.yaml',
  targetSshConfig: 'print the ssh configuration of targets',
  targetSshConfigDescription:
    'Prints a Host block for each target, by which ssh, scp and tshuttle go there through its gate. Sorted, so that two outputs can be\n' +
    'compared. It connects to nothing.',
  openstackSshConfig: 'print an ssh configuration for all servers of a project, through a gate',
  openstackSshConfigDescription:
    'Asks Keystone and Nova for the servers of the project that the credentials of CLOUD are for, and prints a Host block for each:\n' +
    'its UUID and, where it is plain and unique, its name. Sorted, so that two outputs can be compared. It only reads.\n' +
    'Of several networks it takes the gate’s own, where the gate is one of the servers, else the first by name; a fixed address before\n' +
    'a floating IP, and IPv4 before IPv6.',
  gateOfServers: 'the gate that they are behind: one from tshuttle gate list, or [USER@]HOST[:PORT]',
  userOfServers: 'the account to log in to there (default: what ssh uses)',
  networkOfServers: 'the network whose addresses the gate reaches',
  cleanup: 'remove the rules that killed tunnels have left behind',
  cleanupDescription:
    'Removes the rules that killed tunnels have left behind.\n' +
    'Rules of running tunnels stay as they are. Needs root, through sudo, as a tunnel does.',
  cleanupVerbose: 'log what is done; twice: log everything',
  doctor: 'find out why a tunnel does not work, and what to do',
  doctorDescription:
    'Looks at this machine, at the tunnels that are up and, with -r or a PROFILE that is not up, at the bastion: tools,\n' +
    'privileges, ssh configuration, login, forwarding. Destinations are tried through the tunnel that is up, where nobody\n' +
    'has to log in again, or else through the bastion; nothing is sent to them.\n' +
    'Exit code 0 when nothing stops the job, 1 when something does, 2 when something that was named could not be tried.',
  doctorDestination: 'what the bastion is to connect to: db.example:5432, 10.0.0.8:443',
  json: 'print JSON',
  top: 'watch tunnels: throughput, connections and their programs, failures',
  topDescription:
    'Shows what tunnels do, each second: throughput, round trip, failures, and connections with their\n' +
    'rates and programs. Keys: ? shows them all; / filters, g groups by destination, f shows failures,\n' +
    'Tab the next tunnel, q ends it. Without a terminal, or with --once, shows it once. --json has the\n' +
    'same, --web shows it in a browser (tshuttle help status).',
  topName: 'the tunnel, as tshuttle status names it (default: all)',
  topOnce: 'show it once, with all flows',
  topWatch: 'with --json: go on, a line each second',
  topWeb: 'serve it as a page for a browser on this machine, to who has the address that is printed',
  topPort: 'with --web: the port, on 127.0.0.1 (default: any that is free)',
  configShow: 'show profiles as they are written',
  configShowDescription:
    'Shows profiles as they are written in config.yaml and in the project file, the nearest from this folder upwards.',
  configNames: 'names of profiles (default: all)',
  configName: 'the name of the profile',
  configAdd: 'write the options of a command line into config.yaml, under a name',
  configAddDescription:
    'Writes the options of a command line into config.yaml as a profile; its comments are kept. Connects to nothing.\n' +
    'Paths become absolute. tshuttle -r BASTION --save NAME does the same as soon as the tunnel is up.',
  configRemove: 'remove a profile from config.yaml',
  configRemoveDescription: 'Removes a profile from config.yaml. A tunnel that is up stays up.',
  configEdit: 'edit a copy of config.yaml, which replaces it only if all of it is right',
  configEditDescription:
    'Opens a copy of config.yaml in VISUAL, EDITOR or vi, and checks it; it replaces config.yaml only if all of it is right.\n' +
    'Otherwise it says what is wrong, config.yaml stays as it was, and the next edit continues with the copy.',
  report: 'print what a bug report needs, without your names',
  reportDescription:
    'Prints versions, the configuration, what doctor finds, the running tunnels and the ends of their logs.\n' +
    'Users, hosts, addresses, paths and secrets are replaced by placeholders. Read it before you send it.',
  helpTopics: 'explain a topic, a command, or an error code',
  helpTopicsDescription:
    'Shows a page about a topic or an error code, or the options of a command; without one, lists the pages.',
  helpTopic: 'subnets, names, login, recipes, sshuttle, a command, or a code such as ERR_BASTION_AUTH',
  man: `print the manual page${system.manualReader === undefined ? '' : `: tshuttle man | ${system.manualReader}`}`,
  manDescription: `Prints the manual page of this system${system.manualReader === undefined ? ', as mdoc source' : `, for man(1): tshuttle man | ${system.manualReader}`}`,
  completion: 'print the script that completes command lines, for bash, zsh or fish',
  completionDescription:
    'Prints the script that completes the command lines of tshuttle: commands, options, and the hosts\n' +
    'that ssh knows. In ~/.bashrc or ~/.zshrc: source <(tshuttle completion bash), or zsh.\n' +
    'For fish: tshuttle completion fish > ~/.config/fish/completions/tshuttle.fish',
  completionShell: 'bash, zsh or fish',
});

const WITHOUT_SYSTEMD =
  '\n\nWhere no systemd runs (WSL, a container) cron starts them at boot, by a line in your crontab.';

const MACHINE_SERVICE =
  '\n\nWith --system, as root: a service of the machine for each profile of /etc/tshuttle/config.yaml, at\n' +
  'boot, with the key and the host keys in /etc/tshuttle/NAME/identity and known_hosts, as a user that\n' +
  'may change the network and nothing else (nft; no sudo).';

/** The texts of the system that this runs on. */
export const TEXTS = textsOn(systemWords());

/** What `--help` says of words that only begin a command. */
export const GROUPS: Readonly<Record<string, string>> = {
  bastion: 'build a bastion, or find out what it lets one do',
  config: 'show, add, remove, edit and check profiles, or print their JSON Schema',
  gate: 'manage gates, the ssh servers on the edge of a network, and their keys',
  keys: 'list, add and remove the keys that may log in to a gate',
  metrics: 'print a dashboard and alerts of what --metrics serves',
  openstack:
    'find out why the API of a cloud is not reachable, or write its servers into an ssh configuration',
  service: 'start tunnels at login',
  target: 'manage servers behind gates, and write them into an ssh configuration',
};

/** What there is all the same where nothing redirects connections. */
function withoutRedirect({ name, platform }: SystemWords): string {
  const elsewhere = platform === 'win32' ? '; in WSL2 all of it does (tshuttle help windows)' : '';
  return `\nOn ${name} nothing can capture connections. There --socks, --http-proxy, -L and run --rootless work${elsewhere}.`;
}
