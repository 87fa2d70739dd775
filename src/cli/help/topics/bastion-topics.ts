import { BUILDING_BLOCKS } from './building-blocks.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** The bastion: the login and the way there. */
export const BASTION_TOPICS: readonly Topic[] = [
  {
    name: 'login',
    summary: 'logging in: keys, agents, certificates, second factors',
    blocks: [
      paragraph(
        'tshuttle asks ssh -G for the configuration, so what works with ssh works here: ~/.ssh/config, -F, -o, -i, -J. Keys that are ' +
          'named by -i come first; a .pub file names a key that the agent holds. Keys come from ssh-agent and from files, also with a ' +
          'passphrase; user certificates from files and from the agent; FIDO keys from the agent (ssh-add). Passwords and one-time ' +
          'codes (keyboard-interactive) are asked for, also several in a row.',
      ),
      paragraph(
        'Questions go to the terminal, or to SSH_ASKPASS where ssh would use that (SSH_ASKPASS_REQUIRE, DISPLAY).',
      ),
      list(
        [
          'too many keys in the agent',
          'sshd closes after some wrong ones (MaxAuthTries): -i KEY.pub. tshuttle offers five at most',
        ],
        [
          'a one-time code',
          'is asked for, counts once, and is never kept: you are asked again when the tunnel reconnects',
        ],
        [
          'known_hosts',
          'counts as with ssh: an unknown key is shown and asked for on a terminal, and refused without one; a changed key is always refused',
        ],
      ),
    ],
  },
  {
    name: 'bastion',
    summary: 'the way to the bastion: jump hosts, proxies, your own ssh, several connections; building one',
    blocks: [
      list(
        ['-F FILE', 'reads that ssh configuration'],
        [
          'ProxyJump, -J HOP[,HOP...]',
          'go through other ssh servers, each with the configuration, keys and host key check that ssh would use for it',
        ],
        [
          'ProxyCommand',
          'runs as ssh runs it, in a session of its own: it cannot ask on the terminal, but an agent or SSH_ASKPASS can. What it prints is ' +
            'logged, and it ends with tshuttle, also after kill -9. What it is connected to at the start is never captured; give -x what ' +
            'it connects to later',
        ],
        [
          '--upstream-proxy socks5://[USER:PASSWORD@]HOST:PORT',
          'dials the bastion, or the first jump host, through a SOCKS5 proxy, which resolves the name',
        ],
      ),
      paragraph(
        '--transport openssh has your own ssh make the connection: GSSAPI, PKCS#11, FIDO, sntrup761 key exchange. auto, the default, ' +
          'does so where the configuration or the bastion needs it, and says why. ssh asks by itself, once, and ends with tshuttle. It ' +
          'offers every key of the agent, where tshuttle stops at five: where a bastion bans after failed logins, name the right one with -i and ' +
          '-o IdentitiesOnly=yes.',
      ),
      commands(
        'tshuttle -r bastion --transport openssh 10.0.0.0/8',
        'ssh -f -N -M -S ~/.ssh/master bastion',
        'tshuttle -r bastion --control-path ~/.ssh/master 10.0.0.0/8',
      ),
      paragraph(
        '--control-path PATH joins an ssh -M -S PATH that is up; nobody is asked for anything. --openssh-carry handover gives connections ' +
          'to ssh without a copy through tshuttle; when the destination ends its direction first, what the application still sends is ' +
          'then lost. The default, socks, copies, and keeps both directions; a joined ssh can do handover only. On a busy ' +
          'machine handover has 1.05 times the rate of ssh -L, and 0.8 to 1.4 times its CPU; socks has 0.35 and 4 times.',
      ),
      paragraph(
        'A session that runs `true` is opened once a connection, if the bastion allows it: sshd sends small answers without delay only ' +
          'after that. It is never needed. A ForceCommand of the bastion would run once; --no-session opens none.',
      ),
      paragraph(
        '--connections N spreads whole flows over up to N ssh connections, new ones away from a download: for lossy paths, for many cores, ' +
          'and beside hundreds of open flows, each of which costs sshd time for every piece of any other. Without it too, up to 16 are ' +
          'opened when a bastion runs out of file descriptors (at ulimit -n 1024, after about 1,000 flows). More are opened only where ' +
          'logging in asks you nothing.',
      ),
      list(
        [
          'prohibits forwarding',
          'is sshd’s AllowTcpForwarding, PermitOpen or DisableForwarding, or no-port-forwarding or permitopen of your key in ' +
            'authorized_keys. sshd does not say which: the message names what to ask for, as far as the key’s options and other ' +
            'destinations tell them apart',
        ],
        [
          'is encrypted in JavaScript',
          'everything works, at up to twice the CPU. AES-GCM, ChaCha20-Poly1305 and AES-CTR need no native code of ssh2 where Node.js ' +
            'shows its OpenSSL, as its own builds do: have the bastion take aes128-gcm@openssh.com. For others npm ci builds that code ' +
            'where there is a compiler and Node.js is 24 at most; elsewhere npm 11 asks: ' +
            'npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features. With Node.js 24 and later a byte costs a ' +
            'fifth less CPU',
        ],
      ),
      ...BUILDING_BLOCKS,
    ],
  },
];
