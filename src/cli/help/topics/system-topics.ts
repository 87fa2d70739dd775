import { commands, list, paragraph, type Topic } from './topic.ts';

/** What is different where the system is not Linux. */
export const SYSTEM_TOPICS: readonly Topic[] = [
  {
    name: 'windows',
    summary: 'on Windows: proxies here, captured connections in WSL2',
    blocks: [
      paragraph(
        'On Windows nothing can redirect connections to tshuttle: it has proxies there, and run --rootless, which gives one command the ' +
          'proxies by its environment. Nothing of it needs an administrator.',
      ),
      commands(
        'tshuttle -r me@bastion.example.com --socks 1080 --http-proxy 8080',
        'tshuttle run --rootless -r me@bastion.example.com 10.0.0.0/8 -- terraform plan',
      ),
      list(
        [
          'keys',
          'ssh-agent of Windows is asked (the service OpenSSH Authentication Agent), and keys in %USERPROFILE%\\.ssh',
        ],
        ['state, logs', '%LOCALAPPDATA%\\tshuttle'],
        ['status, down, top', 'by a named pipe, whose key only this user can read'],
        [
          '--transport openssh, gate keys, bastion audit',
          'not here but in WSL2: OpenSSH for Windows has no ControlMaster',
        ],
      ),
      paragraph(
        'To capture connections, run tshuttle in WSL2, which has a kernel of Linux. Then it captures what programs in WSL2 open: install ' +
          'terraform, psql or kubectl there, too. ssh-agent of Windows is not seen there: keys are those of ~/.ssh in WSL2, or of an agent there. ' +
          'systemd in WSL2 starts it at login. ADDRESS is where tshuttle’s README is from.',
      ),
      commands(
        'wsl --install -d Debian',
        'wsl -- sudo apt-get install -y git nftables nodejs npm openssh-client',
        "wsl -- sh -c 'git clone ADDRESS tshuttle && cd tshuttle && npm ci && sudo npm link'",
        'wsl -- tshuttle -r me@bastion.example.com 10.0.0.0/8',
      ),
      paragraph(
        'For programs of Windows itself, let tshuttle in WSL2 open a proxy and name that to them. WSL2 passes ports of localhost on to ' +
          'Windows (localhostForwarding, on by default), so a browser of Windows reaches what listens on 127.0.0.1 in WSL2.',
      ),
      commands('wsl -- tshuttle -r me@bastion.example.com --socks 1080'),
    ],
  },
];
