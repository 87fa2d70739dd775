import { type BastionSetup, WRITTEN_BY } from './setup.ts';

/** What a key or a principal may do, beside what sshd_config says; `restrict` also takes away what later releases bring. */
export const ACCESS_OPTIONS = 'restrict,port-forwarding';

/** authorized_keys of the account of the tunnels. */
export function renderAuthorizedKeys({ keys }: Pick<BastionSetup, 'keys'>): string {
  return text(keys.map((key) => `${ACCESS_OPTIONS} ${key}`));
}

/** The keys that may change the keys of a gate; what they may do is sshd_config's to say. */
export function renderManagementKeys({ managementKeys }: Pick<BastionSetup, 'managementKeys'>): string {
  return text(managementKeys.map((key) => `restrict ${key}`));
}

/** The keys whose certificates let in (TrustedUserCAKeys). */
export function renderAuthorities({ authorities }: Pick<BastionSetup, 'authorities'>): string {
  return text(authorities);
}

/** Who a certificate has to be for: it names the account (`ssh-keygen -n USER`), and brings no more rights than a key. */
export function renderPrincipals({ user }: Pick<BastionSetup, 'user'>): string {
  return text([`${ACCESS_OPTIONS} ${user}`]);
}

function text(lines: readonly string[]): string {
  return [`# ${WRITTEN_BY}`, ...lines, ''].join('\n');
}
