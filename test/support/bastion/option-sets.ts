import { parseAuthorizedKeys } from '../../../src/bastion/public-keys.ts';
import type { Allowed, BastionKind, BastionSetup } from '../../../src/bastion/setup.ts';
import { Invalid } from '../../../src/config/parse/invalid.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';

/** A key that nobody has the private half of. */
export const SOMEBODYS_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@laptop';

/** Another. */
const MANAGERS_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA manager';

/** What a set of options asks for beside the key. */
interface Choices {
  readonly allow?: readonly string[];
  readonly user?: string;
  /** Of a gate. */
  readonly managementKey?: string;
  readonly with?: ReadonlyArray<'totp' | 'fail2ban' | 'audit-log' | 'ca'>;
}

/** Makes a setup of a set of options; the key is {@link SOMEBODYS_KEY} unless another is given. */
export function setupOf(kind: BastionKind, choices: Choices = {}, key = SOMEBODYS_KEY): BastionSetup {
  const chosen = new Set(choices.with);
  const keys = parseAuthorizedKeys(key);
  if (keys.kind !== 'keys') throw new Error(keys.what);
  return {
    kind,
    user: choices.user ?? 'tunnel',
    keys: keys.lines,
    authorities: chosen.has('ca') ? keys.lines : [],
    managementKeys: kind === 'gate' ? [choices.managementKey ?? MANAGERS_KEY] : [],
    allowed: (choices.allow ?? []).map(allowedOf),
    hasSecondFactor: chosen.has('totp'),
    hasFail2ban: chosen.has('fail2ban'),
    hasAuditLog: chosen.has('audit-log'),
  };
}

/** Reads one `--allow`. */
function allowedOf(text: string): Allowed {
  const subnet = parseSubnet(text);
  if (subnet instanceof Invalid) throw new Error(subnet.what);
  return subnet;
}

/** A set of options by a name for people; the first of each kind is the plain one. */
export const OPTION_SETS: ReadonlyArray<readonly [name: string, setup: BastionSetup]> = [
  ['debian', setupOf('debian')],
  [
    'debian, networks',
    setupOf('debian', { allow: ['10.0.0.0/8', '203.0.113.20:443', '[fd00::/8]:8000-9000'] }),
  ],
  ['debian, hosts', setupOf('debian', { allow: ['db.internal:5432', '10.0.0.5:22', '[fd00::5]:22'] })],
  ['debian, a code', setupOf('debian', { with: ['totp'] })],
  ['debian, fail2ban', setupOf('debian', { with: ['fail2ban'] })],
  ['debian, audit log', setupOf('debian', { with: ['audit-log'] })],
  ['debian, all', setupOf('debian', { user: 'gate_user', with: ['totp', 'fail2ban', 'audit-log', 'ca'] })],
  ['cloud-init', setupOf('cloud-init')],
  ['cloud-init, a code', setupOf('cloud-init', { allow: ['203.0.113.20'], with: ['totp', 'fail2ban'] })],
  ['gate', setupOf('gate', { allow: ['10.0.0.0/8:22'] })],
  ['gate, all', setupOf('gate', { user: 'gate_user', with: ['totp', 'fail2ban', 'audit-log', 'ca'] })],
  ['container', setupOf('container', { allow: ['db.internal:5432'] })],
  ['container, a port', setupOf('container', { allow: ['10.0.0.0/8:5432', '[fd00::/8]:6379'] })],
  ['container, all', setupOf('container', { allow: ['db.internal:5432'], with: ['audit-log', 'ca'] })],
];
