import { formatHostPort, type HostPort } from '../net/address/endpoint.ts';
import type { ServerOffer } from '../ssh/openssh/debug-lines.ts';
import type { FoundShell } from '../ssh/openssh/examination.ts';
import { ALGORITHM_LINES } from './sshd-config.ts';

/** What a place is to the bastion. */
export type PlaceKind = 'metadata' | 'itself' | 'world' | 'destination';

/** What came of connecting to a place through the bastion. */
export interface TriedPlace {
  readonly kind: PlaceKind;
  readonly place: HostPort;
  /** Undefined where the bastion connects. */
  readonly refusal: string | undefined;
}

/** What an examination has found. */
export interface Evidence {
  readonly user: string;
  readonly offer: ServerOffer;
  readonly shell: FoundShell | undefined;
  readonly hasTerminal: boolean;
  readonly hasSftp: boolean;
  readonly listens: boolean;
  /** Unix sockets that could be connected to. */
  readonly unixSockets: readonly string[];
  readonly places: readonly TriedPlace[];
}

/** One row of an audit. */
export interface AuditRow {
  readonly check: string;
  /** A problem is open and not needed; a note is of use to know. */
  readonly status: 'ok' | 'note' | 'problem';
  readonly what: string;
  /** The line of sshd_config or authorized_keys that mends it; null where nothing is to be mended. */
  readonly remedy: string | null;
}

/** Fewer are gone after as many flows. */
const FEW_DESCRIPTORS = 4_096;

/**
 * What other servers than OpenSSH offer, too. ssh-audit (2.5.0, 3.3.0) fails these but for CBC and short tags, and fails beside them what is
 * unproven, and the curves of NIST, which every OpenSSH has (test/unit/bastion/ssh-audit-verdicts.json).
 */
const WEAK = {
  keyExchanges: /sha1(?!\d)|group1-/i,
  hostKeys:
    /^null$|(?:^|-)(?:ds[as]|rsa1)\b|^ssh-rsa(?:-cert|$)|^(?:x509v3-(?:ssh|sign)|pgp-sign|spki-sign)-rsa(?:-sha1|$)/,
  ciphers: /^none$|cbc|arcfour|des|idea|blowfish|cast128|seed|serpent/,
  macs: /^none$|sha1|md5|ripemd|umac-64|-96|^cbcmac/,
} as const;

/** Judges what was found, a row for each thing that was looked at. Pure. */
export function auditRows(evidence: Evidence): readonly AuditRow[] {
  const { offer, places } = evidence;
  return [
    { check: 'version', status: 'ok', what: offer.software, remedy: null },
    weak('key exchange', offer.keyExchanges, WEAK.keyExchanges, keyExchangeLine(offer)),
    weak('host keys', offer.hostKeys, WEAK.hostKeys, algorithmLine('HostKeyAlgorithms')),
    weak('ciphers', offer.ciphers, WEAK.ciphers, 'Ciphers -*cbc,3des*,arcfour*'),
    gcm(offer),
    weak('MACs', offer.macs, WEAK.macs, algorithmLine('MACs')),
    methods(offer),
    row('root', evidence.user === 'root', 'root may log in', 'root did not log in', 'PermitRootLogin no'),
    shell(evidence),
    row(
      'terminal',
      evidence.hasTerminal,
      'a session gets a terminal',
      'a session gets no terminal',
      'PermitTTY no',
    ),
    row(
      'sftp',
      evidence.hasSftp,
      'files can be read and written (SFTP)',
      'no SFTP',
      'ForceCommand /usr/sbin/nologin',
    ),
    row(
      'agent',
      evidence.shell?.hasAgent === true,
      'a session may have an agent',
      'no agent for any program there',
      'AllowAgentForwarding no',
    ),
    row(
      'remote forwards',
      evidence.listens,
      'the bastion listens for us',
      'the bastion does not listen for us',
      'AllowTcpForwarding local',
    ),
    row(
      'unix sockets',
      evidence.unixSockets.length > 0,
      `unix sockets of the bastion can be connected to: ${evidence.unixSockets.join(', ')}`,
      'no unix socket that every machine has can be connected to',
      'AllowStreamLocalForwarding no',
    ),
    key(evidence),
    ...(['metadata', 'itself', 'world'] as const).map((kind) => closed(kind, places)),
    ...descriptors(evidence),
    ...places.filter(({ kind }) => kind === 'destination').map(destination),
  ];
}

function row(check: string, isOpen: boolean, open: string, shut: string, remedy: string): AuditRow {
  return isOpen
    ? { check, status: 'problem', what: open, remedy }
    : { check, status: 'ok', what: shut, remedy: null };
}

function algorithmLine(keyword: string): string {
  return ALGORITHM_LINES.find((line) => line.startsWith(`${keyword} `))!;
}

/** Those of GSSAPI are in no list that KexAlgorithms takes away from. */
function keyExchangeLine({ keyExchanges }: ServerOffer): string {
  const others = keyExchanges.filter((name) => WEAK.keyExchanges.test(name) && !name.startsWith('gss-'));
  return others.length > 0 ? algorithmLine('KexAlgorithms') : 'GSSAPIKeyExchange no';
}

function weak(check: string, offered: readonly string[], pattern: RegExp, remedy: string): AuditRow {
  const found = offered.filter((name) => pattern.test(name));
  if (offered.length === 0)
    return { check, status: 'note', what: 'ssh did not tell what is offered', remedy: null };
  return row(
    check,
    found.length > 0,
    `weak ones are offered: ${found.join(', ')}`,
    'nothing weak is offered',
    remedy,
  );
}

function gcm({ ciphers }: ServerOffer): AuditRow {
  const has = ciphers.some((name) => name.includes('-gcm@openssh.com'));
  return {
    check: 'AES-GCM',
    status: has ? 'ok' : 'note',
    what: has
      ? 'is offered, which is what tshuttle has fast everywhere'
      : 'is not offered: tunnels cost more CPU',
    remedy: has ? null : algorithmLine('Ciphers'),
  };
}

/** Behind keyboard-interactive that needs no key before it there is a password, on any system that was not told otherwise. */
function methods({ methods: offered }: ServerOffer): AuditRow {
  const guessable = offered.filter((name) => name === 'password' || name === 'keyboard-interactive');
  return row(
    'passwords',
    guessable.length > 0,
    `whoever has no key may try secrets: ${guessable.join(', ')}`,
    'nobody without a key is asked for anything',
    guessable.includes('password') ? 'PasswordAuthentication no' : 'KbdInteractiveAuthentication no',
  );
}

function shell({ shell: found }: Evidence): AuditRow {
  return row(
    'shell',
    found !== undefined,
    'commands are run',
    'no command is run',
    'ForceCommand /usr/sbin/nologin',
  );
}

function key({ offer, shell: found, hasTerminal }: Evidence): AuditRow {
  const check = 'key';
  const { keyOptions } = offer;
  if (keyOptions === undefined)
    return { check, status: 'note', what: 'sshd did not tell what your key may do', remedy: null };
  const more = keyOptions.filter((name) =>
    ['agent-forwarding', 'pty', 'user-rc', 'x11-forwarding'].includes(name),
  );
  if (more.length === 0)
    return { check, status: 'ok', what: 'your key may forward and nothing else', remedy: null };
  const isUsed = found !== undefined || hasTerminal;
  return {
    check,
    status: isUsed ? 'problem' : 'note',
    what: `your key may do more than forward: ${more.join(', ')}${isUsed ? '' : '; sshd_config does not let it'}`,
    remedy: 'restrict,port-forwarding in front of the key in authorized_keys',
  };
}

const CLOSED: Readonly<
  Record<
    Exclude<PlaceKind, 'destination'>,
    readonly [check: string, open: string, shut: string, remedy: string]
  >
> = {
  metadata: [
    'metadata',
    'whoever may tunnel can have the credentials of its role',
    'the addresses of a cloud’s credentials do not answer',
    'an nft rule for the account (tshuttle bastion init), or PermitOpen HOST:PORT for what is needed',
  ],
  itself: [
    'itself',
    'what listens on the bastion itself can be connected to',
    'the bastion does not connect to itself',
    'an nft rule for the account (tshuttle bastion init), or PermitOpen HOST:PORT for what is needed',
  ],
  world: [
    'the world',
    'tunnels lead everywhere',
    'tunnels do not lead everywhere',
    'an nft rule for the account (tshuttle bastion init --allow NETWORK), or PermitOpen HOST:PORT for what is needed',
  ],
};

function closed(kind: Exclude<PlaceKind, 'destination'>, places: readonly TriedPlace[]): AuditRow {
  const [check, open, shut, remedy] = CLOSED[kind];
  const reached = places.filter((place) => place.kind === kind && place.refusal === undefined);
  const names = reached.map(({ place }) => formatHostPort(place.host, place.port)).join(', ');
  return row(check, reached.length > 0, `${names}: ${open}`, shut, remedy);
}

function descriptors({ shell: found }: Evidence): readonly AuditRow[] {
  const count = found?.descriptors;
  if (count === undefined) return [];
  const isFew = count < FEW_DESCRIPTORS;
  return [
    {
      check: 'descriptors',
      status: isFew ? 'note' : 'ok',
      what: `a login has ${count} file descriptors${isFew ? `, which are gone after about ${count} flows` : ''}`,
      remedy: isFew ? 'LimitNOFILE=65536 in a drop-in of ssh.service' : null,
    },
  ];
}

function destination({ place, refusal }: TriedPlace): AuditRow {
  const where = formatHostPort(place.host, place.port);
  return refusal === undefined
    ? { check: 'destination', status: 'ok', what: `${where}: the bastion connects to it`, remedy: null }
    : {
        check: 'destination',
        status: 'problem',
        what: `${where}: ${refusal}`,
        remedy: `PermitOpen ${where} if there is a PermitOpen, AllowTcpForwarding local; and that it listens there`,
      };
}
