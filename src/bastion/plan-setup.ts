import type { Problem } from '../core/problem.ts';
import { formatCidr } from '../net/address/cidr.ts';
import { portCount } from '../net/address/port-range.ts';
import { allowedOrPrivate, isMetadata, METADATA_PORTS, permitOpenWord, permitOpenWords } from './allowed.ts';
import { renderContainerFiles } from './containerfile.ts';
import { renderInstallScript } from './install-script.ts';
import type { Allowed, BastionSetup, SetupFile } from './setup.ts';
import { renderUserData } from './user-data.ts';

/** Names that a Linux account can have (useradd(8)), and no rule, unit or script takes for anything else. */
const ACCOUNT = /^[a-z_][a-z0-9_-]{0,30}$/;

/** Accounts that every Debian has, which are of no use for tunnels, and would be bounded by rules that are for these. */
const OF_THE_SYSTEM = new Set(
  'root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody sshd messagebus'.split(
    ' ',
  ),
);

/** Linux takes 32, and `-keys` is behind it. */
const MAX_GATE_ACCOUNT = 26;

/** Says what is wrong with what was asked for; empty where all of it can be done. */
export function problemsOfSetup(setup: BastionSetup): readonly Problem[] {
  const { kind, user, keys, authorities, managementKeys, allowed, hasSecondFactor, hasFail2ban } = setup;
  const problems: Problem[] = [];
  const wrong = (where: string, what: string): void => void problems.push({ where, what });
  if (!ACCOUNT.test(user)) {
    wrong('--user', 'is no name of a Linux account: a to z, 0 to 9, _ and -, 31 characters at most');
  } else if (OF_THE_SYSTEM.has(user)) {
    wrong(`--user ${user}`, 'is an account of the system; take a name for tunnels only, such as tunnel');
  }
  if (kind === 'gate') {
    if (managementKeys.length === 0)
      wrong(
        '--management-key',
        'is missing: name the .pub file of a key that may change the keys of the gate',
      );
    if (user.length > MAX_GATE_ACCOUNT)
      wrong(
        `--user ${user}`,
        `has more than ${MAX_GATE_ACCOUNT} characters, and the account that changes its keys has five more`,
      );
    if (managementKeys.some((key) => keys.includes(key)))
      wrong('--management-key', 'is among --key, too; who changes keys has a key that does nothing else');
  } else if (managementKeys.length > 0) {
    wrong(
      '--management-key',
      'is for --for gate: the keys of the others are changed by running their script again',
    );
  }
  if (kind !== 'gate' && keys.length === 0 && authorities.length === 0) {
    wrong('--key', 'is missing: name the .pub file of a key that may log in, or an authority by --ca');
  }
  for (const one of allowed.filter(isMetadata)) {
    wrong(`--allow ${shown(one)}`, 'has the credentials of machines, which no tunnel may reach');
  }
  if (kind !== 'container') {
    if (allowed.some(({ kind: each }) => each === 'name') && permitOpenWords(allowed) === undefined) {
      const what =
        'rules for networks know no names: give names with a port each and nothing else, or its address';
      wrong('--allow', `has a name beside networks; ${what}`);
    }
    return problems;
  }
  if (hasSecondFactor) {
    const what =
      'needs PAM, and that a root that the container has not: use --for debian, or a key on a token (ssh-keygen -t ed25519-sk)';
    wrong('--totp', what);
  }
  if (hasFail2ban) {
    wrong(
      '--fail2ban',
      'needs rights over the network that the container has not; its sshd slows down who fails (PerSourcePenalties)',
    );
  }
  if (allowed.length === 0) {
    const what =
      'is missing: in a container it is PermitOpen alone that keeps tunnels from the credentials at 169.254.170.2';
    wrong('--allow', `${what}; name HOST:PORT, or NETWORK:PORT`);
  }
  for (const one of allowed.filter((each) => permitOpenWord(each) === undefined)) {
    if (portCount(one.ports) !== 1 || METADATA_PORTS.includes(one.ports.first)) {
      const what = 'would let tunnels have the credentials of the container: PermitOpen knows no networks';
      wrong(
        `--allow ${shown(one)}`,
        `${what}; name HOST:PORT, or one port other than ${METADATA_PORTS.join(' and ')}`,
      );
    }
  }
  return problems;
}

/** The files that make the bastion; the first is the one that is printed. */
export function filesOfSetup(asked: BastionSetup): readonly [SetupFile, ...SetupFile[]] {
  const setup = {
    ...asked,
    allowed: asked.kind === 'container' ? asked.allowed : allowedOrPrivate(asked.allowed),
  };
  switch (setup.kind) {
    case 'debian':
    case 'gate':
      return [{ name: 'install.sh', mode: 0o755, text: renderInstallScript(setup) }];
    case 'cloud-init':
      return [{ name: 'user-data', mode: 0o644, text: renderUserData(setup) }];
    case 'container':
      return renderContainerFiles(setup);
  }
}

function shown(allowed: Allowed): string {
  return allowed.kind === 'name' ? allowed.name : formatCidr(allowed.cidr);
}
