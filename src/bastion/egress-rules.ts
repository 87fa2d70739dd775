import { formatCidr } from '../net/address/cidr.ts';
import { ALL_PORTS, formatPortRange, portCount } from '../net/address/port-range.ts';
import { METADATA_NETWORKS } from './allowed.ts';
import { type Allowed, type BastionSetup, WRITTEN_BY } from './setup.ts';

/** The table that {@link renderEgressRules} makes. */
const EGRESS_TABLE = 'tshuttle_bastion';

/** What begins a line of the audit log; the kernel adds UID=, DST= and DPT=. */
const AUDIT_PREFIXES = { allowed: 'bastion allowed: ', refused: 'bastion refused: ' } as const;

/** More than any tunnel opens for long; what could not be logged is refused. */
const AUDIT_RATE = '200/second burst 2000 packets';

/**
 * The nft rules that bound what tunnels connect to. sshd opens a forward as the account that logged in, so `meta skuid` tells them
 * from all else of the machine.
 *
 * Names cannot be in rules: where there are some, PermitOpen says what is allowed, and the rules refuse what is refused always.
 */
export function renderEgressRules({ user, allowed, hasAuditLog }: BastionSetup): string {
  const isNamed = allowed.some(({ kind }) => kind === 'name');
  const networks = isNamed ? [] : allowed.flatMap((one) => (one.kind === 'network' ? [one] : []));
  const ending = isNamed ? 'goto allowed' : 'goto refused';
  return `#!/usr/sbin/nft -f
# ${WRITTEN_BY}
table inet ${EGRESS_TABLE}
delete table inet ${EGRESS_TABLE}
table inet ${EGRESS_TABLE} {
  set metadata4 {
    type ipv4_addr
    flags interval
    elements = { ${METADATA_NETWORKS.ipv4.join(', ')} }
  }
  set metadata6 {
    type ipv6_addr
    flags interval
    elements = { ${METADATA_NETWORKS.ipv6.join(', ')} }
  }
  chain output {
    type filter hook output priority filter; policy accept;
    meta skuid "${user}" ct state new jump tunnel
  }
  chain tunnel {
    # What sshd asks a resolver for: a tunnel carries no UDP, and the resolver of this machine may be asked by TCP, too.
    meta l4proto udp th dport 53 accept
    ip daddr 127.0.0.53 tcp dport 53 accept
    # The credentials of this machine's role, and what listens on the machine itself.
    ip daddr @metadata4 goto refused
    ip6 daddr @metadata6 goto refused
    fib daddr type { local, broadcast, multicast, anycast } goto refused
${networks.map((network) => `    ${matchOf(network)} goto allowed\n`).join('')}    ${ending}
  }
  chain allowed {
${hasAuditLog ? auditRules('allowed') : ''}    counter accept
  }
  chain refused {
${hasAuditLog ? auditRules('refused') : ''}    counter
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
}
`;
}

function matchOf({ cidr, ports }: Extract<Allowed, { kind: 'network' }>): string {
  const daddr = `${cidr.family === 4 ? 'ip' : 'ip6'} daddr ${formatCidr(cidr)}`;
  return portCount(ports) === portCount(ALL_PORTS)
    ? `${daddr} meta l4proto tcp`
    : `${daddr} tcp dport ${formatPortRange(ports)}`;
}

/** What is too much to be logged is refused: nothing gets out that no line tells of. */
function auditRules(verdict: keyof typeof AUDIT_PREFIXES): string {
  return [
    `    limit rate over ${AUDIT_RATE} reject with icmpx admin-prohibited`,
    `    log prefix "${AUDIT_PREFIXES[verdict]}" level info flags skuid`,
    '',
  ].join('\n');
}
