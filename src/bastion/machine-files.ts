import {
  renderAuthorities,
  renderAuthorizedKeys,
  renderManagementKeys,
  renderPrincipals,
} from './access-files.ts';
import { renderEgressRules } from './egress-rules.ts';
import { FAIL2BAN_FILES, renderFilter, renderJail } from './fail2ban.ts';
import { GATE_SCRIPT, MANAGEMENT_KEYS } from './gates/gate-places.ts';
import { renderGateScript } from './gates/gate-script.ts';
import { renderPamFile } from './second-factor.ts';
import { type BastionSetup, KEYS_FOLDER, WRITTEN_BY } from './setup.ts';
import { renderDropIn } from './sshd-config.ts';
import { RULES_FILE, RULES_UNIT, renderRulesUnit, renderSshUnitDropIn, renderUpgrades } from './units.ts';

/** A file of a machine that is a bastion; root's, and readable by all. */
export interface MachineFile {
  readonly path: string;
  readonly text: string;
}

/** Where the drop-in of sshd is: names are read in order, and those of clouds begin with 50 and 60. */
const DROP_IN_PATH = '/etc/ssh/sshd_config.d/00-tshuttle-bastion.conf';

/** Every file that makes a Debian a bastion, but the drop-in, which comes last. */
export function machineFiles(setup: BastionSetup): readonly MachineFile[] {
  const { kind, authorities, hasSecondFactor, hasFail2ban } = setup;
  return [
    ...(kind === 'gate'
      ? [
          { path: MANAGEMENT_KEYS, text: renderManagementKeys(setup) },
          { path: GATE_SCRIPT, text: renderGateScript() },
        ]
      : [{ path: `${KEYS_FOLDER}/authorized_keys`, text: renderAuthorizedKeys(setup) }]),
    ...(authorities.length === 0
      ? []
      : [
          { path: `${KEYS_FOLDER}/user_ca`, text: renderAuthorities(setup) },
          { path: `${KEYS_FOLDER}/principals`, text: renderPrincipals(setup) },
        ]),
    { path: RULES_FILE, text: renderEgressRules(setup) },
    { path: `/etc/systemd/system/${RULES_UNIT}`, text: renderRulesUnit() },
    { path: '/etc/systemd/system/ssh.service.d/tshuttle-bastion.conf', text: renderSshUnitDropIn() },
    { path: '/etc/apt/apt.conf.d/60tshuttle-bastion', text: renderUpgrades() },
    ...(hasSecondFactor ? [{ path: '/etc/pam.d/sshd', text: renderPamFile() }] : []),
    ...(hasFail2ban
      ? [
          { path: `/etc/fail2ban/${FAIL2BAN_FILES.filter}`, text: renderFilter() },
          { path: `/etc/fail2ban/${FAIL2BAN_FILES.jail}`, text: renderJail() },
        ]
      : []),
  ];
}

/** The file that sshd reads first. */
export function dropInFile(setup: BastionSetup): MachineFile {
  return { path: DROP_IN_PATH, text: [`# ${WRITTEN_BY}`, ...renderDropIn(setup), ''].join('\n') };
}
