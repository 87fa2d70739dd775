import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES } from '../lab/bench-lab.ts';
import { CAPTURED_ENDPOINT, type Peer, REMOTE, sshOptions, startListening, stopChild } from './peer.ts';

const SOCKS_PORT = 1080;
const REDIRECT_PORT = 12_345;
const MAX_FILES = 20_000;

const CONFIGURATION = `
base { log_debug = off; log_info = off; log = stderr; daemon = off; redirector = iptables;
  rlimit_nofile = ${MAX_FILES}; }
redsocks { local_ip = 127.0.0.1; local_port = ${REDIRECT_PORT}; listenq = 4096;
  ip = 127.0.0.1; port = ${SOCKS_PORT}; type = socks5; }
`;

const RULES = `
table ip redsocks {
  chain output {
    type nat hook output priority -100
    ip daddr ${ADDRESSES.network} meta l4proto tcp redirect to :${REDIRECT_PORT}
  }
}
`;

/** `ssh -D` with redsocks before it: the known way to a transparent tunnel without Python on the bastion. */
export const redsocks: Peer = {
  name: 'redsocks',
  seenAs: ADDRESSES.bastionInner,
  maxFlows: 10_000,
  isHelper: () => false,
  start: async (lab) => {
    const configuration = join(lab.directory, 'redsocks.conf');
    await writeFile(configuration, CONFIGURATION);
    const ssh = await startListening(
      lab,
      ['ssh', '-N', '-D', `127.0.0.1:${SOCKS_PORT}`, ...sshOptions(lab), REMOTE],
      SOCKS_PORT,
    );
    const proxy = await startListening(lab, ['redsocks', '-c', configuration], REDIRECT_PORT);
    await lab.client.must(['nft', '-f', '-'], { stdin: RULES });
    return {
      endpoint: CAPTURED_ENDPOINT,
      stop: async () => {
        await Promise.all([stopChild(proxy), stopChild(ssh)]);
      },
    };
  },
};
