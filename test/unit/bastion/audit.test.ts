import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditRows, type Evidence } from '../../../src/bastion/audit.ts';
import { readServerOffer } from '../../../src/ssh/openssh/debug-lines.ts';

const LINES = [
  'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2',
  'debug2: local client KEXINIT proposal',
  'debug2: KEX algorithms: diffie-hellman-group1-sha1',
  'debug2: ciphers stoc: 3des-cbc',
  'debug2: peer server KEXINIT proposal',
  'debug2: KEX algorithms: curve25519-sha256,kex-strict-s-v00@openssh.com',
  'debug2: host key algorithms: rsa-sha2-512,ssh-ed25519',
  'debug2: ciphers ctos: aes128-gcm@openssh.com',
  'debug2: ciphers stoc: aes128-gcm@openssh.com,aes256-ctr',
  'debug2: MACs ctos: hmac-sha2-256-etm@openssh.com',
  'debug2: MACs stoc: hmac-sha2-256-etm@openssh.com',
  'debug1: Authentications that can continue: publickey',
  'debug1: Authentications that can continue: keyboard-interactive',
  'debug1: Remote: /etc/ssh/keys:1: key options: port-forwarding',
  'debug2: KEX algorithms: of-a-later-rekeying-sha1',
];

const CLOSED: Evidence = {
  user: 'tunnel',
  offer: readServerOffer(LINES),
  shell: undefined,
  hasTerminal: false,
  hasSftp: false,
  listens: false,
  unixSockets: [],
  places: [{ kind: 'metadata', place: { host: '169.254.169.254', port: 80 }, refusal: 'Connection refused' }],
};

const rowsOf = (changes: Partial<Evidence>) => auditRows({ ...CLOSED, ...changes });

/** The rows that are no longer as where everything is closed. */
function changed(changes: Partial<Evidence>): readonly string[] {
  const before = new Set(rowsOf({}).map((row) => JSON.stringify(row)));
  return rowsOf(changes)
    .filter((row) => !before.has(JSON.stringify(row)))
    .map(({ check, status, remedy }) => `${check}: ${status}: ${remedy ?? ''}`);
}

describe('what ssh says of a server', () => {
  it('is what the server offers, not what we do, and the first of each', () => {
    expect(CLOSED.offer).toEqual({
      software: 'OpenSSH_9.2p1 Debian-2',
      keyExchanges: ['curve25519-sha256', 'kex-strict-s-v00@openssh.com'],
      hostKeys: ['rsa-sha2-512', 'ssh-ed25519'],
      ciphers: ['aes128-gcm@openssh.com', 'aes256-ctr'],
      macs: ['hmac-sha2-256-etm@openssh.com'],
      methods: ['publickey'],
      keyOptions: ['port-forwarding'],
    });
  });

  it('may be nothing', () => {
    expect(readServerOffer([])).toMatchObject({
      software: 'unknown',
      ciphers: [],
      methods: [],
      keyOptions: undefined,
    });
  });
});

describe('the rows of an audit', () => {
  it('are all right where everything is closed', () => {
    expect(rowsOf({}).filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rowsOf({})).toHaveLength(18);
  });

  it('change one by one, each with the line that mends it', () => {
    expect(changed({ hasTerminal: true })).toEqual(['terminal: problem: PermitTTY no']);
    expect(changed({ hasSftp: true })).toEqual(['sftp: problem: ForceCommand /usr/sbin/nologin']);
    expect(changed({ listens: true })).toEqual(['remote forwards: problem: AllowTcpForwarding local']);
    expect(changed({ user: 'root' })).toEqual(['root: problem: PermitRootLogin no']);
    expect(changed({ unixSockets: ['/run/x'] })).toEqual([
      'unix sockets: problem: AllowStreamLocalForwarding no',
    ]);
    expect(changed({ shell: { hasAgent: true, descriptors: 1024 } })).toEqual([
      'shell: problem: ForceCommand /usr/sbin/nologin',
      'agent: problem: AllowAgentForwarding no',
      'descriptors: note: LimitNOFILE=65536 in a drop-in of ssh.service',
    ]);
  });

  it('say what is weak of what is offered, and what is missing', () => {
    const offer = {
      ...CLOSED.offer,
      ciphers: ['aes128-cbc'],
      macs: ['hmac-sha1'],
      methods: ['publickey', 'password'],
    };
    expect(changed({ offer })).toEqual([
      'ciphers: problem: Ciphers -*cbc,3des*,arcfour*',
      'AES-GCM: note: Ciphers ^aes128-gcm@openssh.com,aes256-gcm@openssh.com',
      expect.stringMatching(/^MACs: problem: MACs -\*sha1\*/),
      'passwords: problem: PasswordAuthentication no',
    ]);
  });

  it('a key that may more than it needs is a note where sshd_config closes it anyhow', () => {
    const offer = { ...CLOSED.offer, keyOptions: ['pty', 'port-forwarding'] };
    const remedy = 'restrict,port-forwarding in front of the key in authorized_keys';
    expect(changed({ offer })).toEqual([`key: note: ${remedy}`]);
    expect(changed({ offer, hasTerminal: true })).toContain(`key: problem: ${remedy}`);
  });

  it('a destination has to be reached, and others not', () => {
    const place = { host: '10.0.0.5', port: 5432 };
    expect(changed({ places: [{ kind: 'destination', place, refusal: undefined }] })).toEqual([
      'destination: ok: ',
    ]);
    expect(changed({ places: [{ kind: 'destination', place, refusal: 'no' }] })[0]).toContain(
      'destination: problem: PermitOpen 10.0.0.5:5432',
    );
    expect(changed({ places: [{ kind: 'world', place, refusal: undefined }] })[0]).toContain(
      'the world: problem: an nft rule',
    );
  });
});

/** Of ssh-audit 2.5.0 and 3.3.0 (Debian 12 and 13, 2026-11-30): what either fails, and what neither does; but what is unproven, and NIST's curves. */
const VERDICTS = JSON.parse(
  readFileSync(join(import.meta.dirname, 'ssh-audit-verdicts.json'), 'utf8'),
) as Readonly<
  Record<
    'keyExchanges' | 'hostKeys' | 'ciphers' | 'macs',
    { readonly fails: readonly string[]; readonly passes: readonly string[] }
  >
>;

describe('what an audit calls weak', () => {
  const ROWS = {
    keyExchanges: 'key exchange',
    hostKeys: 'host keys',
    ciphers: 'ciphers',
    macs: 'MACs',
  } as const;
  const ROW_NAMES = Object.keys(ROWS) as ReadonlyArray<keyof typeof ROWS>;

  /** Beside what ssh-audit fails: what it warns of, and the same by other names. */
  const MORE = {
    keyExchanges: /^gss-(?:gex|group14)-sha1-/,
    hostKeys: /^$/,
    ciphers: /-cbc(?:@|$)/,
    macs: /-96|^umac-64/,
  } as const;

  it.each(ROW_NAMES)('%s: all that ssh-audit fails, and little else', (list) => {
    const isWeak = (name: string): boolean =>
      rowsOf({ offer: { ...CLOSED.offer, [list]: [name] } }).some(
        ({ check, status }) => check === ROWS[list] && status === 'problem',
      );
    const { fails, passes } = VERDICTS[list];
    expect(fails.filter((name) => !isWeak(name))).toEqual([]);
    expect(passes.filter(isWeak)).toEqual(passes.filter((name) => MORE[list].test(name)));
  });

  it('of GSSAPI is ended by its own keyword', () => {
    const gss = 'gss-group14-sha1-toWM5Slw5Ew8Mqkay+al2g==';
    const kept = ['curve25519-sha256'];
    const lineFor = (...more: readonly string[]) =>
      rowsOf({ offer: { ...CLOSED.offer, keyExchanges: [...kept, ...more] } })[1]?.remedy;
    expect(lineFor(gss)).toBe('GSSAPIKeyExchange no');
    expect(lineFor(gss, 'diffie-hellman-group14-sha1')).toMatch(/^KexAlgorithms -/);
    expect(lineFor()).toBeNull();
  });
});
