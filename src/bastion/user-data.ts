import { renderInstallScript } from './install-script.ts';
import { enrolCommand } from './second-factor.ts';
import { type BastionSetup, WRITTEN_BY } from './setup.ts';

const SCRIPT = '/usr/local/sbin/tshuttle-bastion-install';

/**
 * User-data for cloud-init: a machine that makes host keys of its own when it first boots, and then runs the script that makes it a
 * bastion. No secret is in it: whoever can ask the metadata service can read it.
 */
export function renderUserData(setup: BastionSetup): string {
  const script = renderInstallScript(setup)
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `      ${line}`))
    .join('\n');
  return `#cloud-config
# ${WRITTEN_BY}
#
# openstack server create --image debian-13 --flavor FLAVOR --network NETWORK --security-group SSH_ONLY --key-name YOUR_KEY --user-data user-data bastion
# openstack console log show bastion     has the fingerprints of its host keys, for your known_hosts
#
# YOUR_KEY is for the image's own account, debian or ubuntu, which administers it.${setup.hasSecondFactor ? secondFactorNote(setup) : ''}
ssh_deletekeys: true
ssh_genkeytypes: [ed25519, rsa]
ssh_pwauth: false
disable_root: true
package_update: true
package_upgrade: true
write_files:
  - path: ${SCRIPT}
    owner: root:root
    permissions: '0755'
    content: |
${script}
runcmd:
  - [sh, ${SCRIPT}]
`;
}

function secondFactorNote(setup: BastionSetup): string {
  return `
# There, once, as root, since a secret must not be in user-data; before that nobody gets in:
#   ${enrolCommand(setup)}`;
}
