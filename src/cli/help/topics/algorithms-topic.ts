import { DEFAULT_ALGORITHMS, ON_REQUEST_ALGORITHMS } from '../../../ssh/config/algorithms.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

const LISTS = [
  ['KexAlgorithms', 'keyExchange'],
  ['HostKeyAlgorithms', 'hostKey'],
  ['Ciphers', 'cipher'],
  ['MACs', 'mac'],
] as const;

/** What `ssh -Q` is for ssh. */
export const ALGORITHMS_TOPIC: Topic = {
  name: 'algorithms',
  summary: 'which key exchanges, ciphers, MACs and host keys there are, and how to choose among them',
  blocks: [
    paragraph(
      'What is offered to a bastion, the preferred first, where your ssh configuration says nothing else:',
    ),
    list(...LISTS.map(([keyword, name]) => [keyword, DEFAULT_ALGORITHMS[name].join(', ')] as const)),
    paragraph('What there is besides, and is offered only where it is named:'),
    list(...LISTS.map(([keyword, name]) => [keyword, ON_REQUEST_ALGORITHMS[name].join(', ')] as const)),
    paragraph(
      'The same keywords of ssh_config, and of -o, change the lists as for ssh: names with commas between them replace a list, +NAMES are ' +
        'added at its end, ^NAMES are put in front, -NAMES, in which * and ? stand for what they match, are taken away. Where only what tshuttle ' +
        'has not is left, --transport auto has your own ssh make the connection.',
    ),
    commands(
      'tshuttle -r bastion -o KexAlgorithms=mlkem768x25519-sha256 -o Ciphers=^aes256-gcm@openssh.com 10.0.0.0/8',
    ),
    paragraph(
      'mlkem768x25519-sha256 is post-quantum: what is recorded today stays secret. OpenSSH has it since 9.9. Where a bastion has it not, a ' +
        'start says so once, as ssh does since 10.1; -o WarnWeakCrypto=no ends that. tshuttle status and tshuttle doctor say what was agreed on.',
    ),
  ],
};
