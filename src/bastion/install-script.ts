import { renderAuthorizedKeys } from './access-files.ts';
import { GATE_FOLDER, GATE_SCRIPT, managementAccountOf } from './gates/gate-places.ts';
import { dropInFile, type MachineFile, machineFiles } from './machine-files.ts';
import { enrolCommand, SECRETS_FOLDER } from './second-factor.ts';
import { type BastionSetup, WRITTEN_BY } from './setup.ts';
import { RULES_FILE, RULES_UNIT } from './units.ts';

/** No file has a line of this. */
const END_OF_FILE = 'END_OF_FILE_OF_TSHUTTLE_BASTION';

const PACKAGES = ['openssh-server', 'nftables', 'unattended-upgrades'];

/**
 * The script that makes a Debian or Ubuntu a bastion. Run again, it brings the machine to what it says.
 *
 * It stops before it changes anything where it would lock somebody out: an account that is somebody's own, root where root is who
 * runs it by ssh. sshd is asked what it makes of the drop-in before it is told to read it.
 */
export function renderInstallScript(setup: BastionSetup): string {
  const { kind, user, hasSecondFactor, hasFail2ban } = setup;
  const packages = [
    ...PACKAGES,
    ...(hasSecondFactor ? ['libpam-google-authenticator'] : []),
    ...(hasFail2ban ? ['fail2ban', 'python3-systemd'] : []),
  ];
  const dropIn = dropInFile(setup);
  return `#!/bin/sh
# ${WRITTEN_BY}
# As root, on the machine itself: sudo sh install.sh
set -eu
umask 022
stop() { echo "install.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop 'root has to run it: sudo sh install.sh'
[ -e /etc/debian_version ] || stop 'is for Debian and Ubuntu'
if [ -n "\${SSH_CONNECTION:-}" ] && [ -z "\${SUDO_USER:-}" ] && [ "\${1:-}" != --without-root ]; then
  stop 'root cannot log in by ssh afterwards: make an account with sudo for yourself first, or say sh install.sh --without-root'
fi
if id ${user} >/dev/null 2>&1; then
  case $(getent passwd ${user} | cut -d: -f7) in
    */nologin | */false) ;;
    *) stop '${user} is an account that somebody logs in to; take another name for the tunnels (--user)' ;;
  esac
fi

export DEBIAN_FRONTEND=noninteractive
if ! dpkg-query -W ${packages.join(' ')} >/dev/null 2>&1; then
  apt-get update -q
  apt-get install -q -y --no-install-recommends ${packages.join(' ')}
fi
grep -Eqi '^[[:space:]]*Include[[:space:]]+/etc/ssh/sshd_config\\.d/' /etc/ssh/sshd_config ||
  stop '/etc/ssh/sshd_config does not begin with: Include /etc/ssh/sshd_config.d/*.conf'

id ${user} >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ${user}
# No password, and not locked: sshd refuses a locked account its keys, too.
usermod --password '*' ${user}

# A file is there as a whole, or as it was.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.new"
  chmod 644 "$1.new"
  mv -f "$1.new" "$1"
}
${machineFiles(setup).map(putCommand).join('')}${kind === 'gate' ? gatePart(setup) : ''}
nft -c -f ${RULES_FILE} || stop 'this kernel does not take the rules of ${RULES_FILE}'
${hasSecondFactor ? secondFactorPart(setup) : ''}
# What sshd makes of it, before it is told.
mkdir -p /run/sshd
ssh-keygen -A >/dev/null
${putCommand(dropIn)}refuse() { rm -f ${dropIn.path}; stop "$*; it was taken away again"; }
sshd -t || refuse '${dropIn.path} is wrong for this sshd'
sshd -T -C user=${user},host=client,addr=192.0.2.1 | grep -qx 'forcecommand /usr/sbin/nologin' ||
  refuse 'sshd_config has something before its Include line that keeps ${dropIn.path} from counting'
${kind === 'gate' ? gateCheck(setup) : ''}
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --quiet ${RULES_UNIT}
  systemctl restart ${RULES_UNIT}
  systemctl restart ssh
${hasFail2ban ? '  systemctl enable --quiet fail2ban\n  systemctl restart fail2ban\n' : ''}else
  echo 'install.sh: systemd does not run here: all of it counts after the next boot'
fi
echo 'install.sh: this machine is a bastion; its host key is'
for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done
`;
}

/** The account that changes the keys, and the keys themselves, which a second run leaves as they are. */
function gatePart(setup: BastionSetup): string {
  const account = managementAccountOf(setup.user);
  const keys = `${GATE_FOLDER}/authorized_keys`;
  return `chmod 755 ${GATE_SCRIPT}
id ${account} >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /bin/sh ${account}
usermod --password '*' ${account}
mkdir -p ${GATE_FOLDER}
[ -e ${keys} ] || ${putCommand({ path: keys, text: renderAuthorizedKeys(setup) })}chown -R ${account}: ${GATE_FOLDER}
chmod 700 ${GATE_FOLDER}
chmod 600 ${keys}
`;
}

function gateCheck({ user }: BastionSetup): string {
  return `sshd -T -C user=${managementAccountOf(user)},host=client,addr=192.0.2.1 | grep -qx 'forcecommand ${GATE_SCRIPT}' ||
  refuse 'sshd_config has something before its Include line that keeps ${managementAccountOf(user)} from being bounded'
`;
}

function putCommand({ path, text }: MachineFile): string {
  return `put ${path} <<'${END_OF_FILE}'\n${text}${END_OF_FILE}\n`;
}

function secondFactorPart(setup: BastionSetup): string {
  const secret = `${SECRETS_FOLDER}/${setup.user}`;
  return `
mkdir -p ${SECRETS_FOLDER}
chmod 700 ${SECRETS_FOLDER}
# Shown once, to whoever runs this on a terminal; without a secret nobody gets in.
if [ ! -e ${secret} ] && [ -t 0 ] && [ -t 1 ]; then
  ${enrolCommand(setup)}
fi
[ -e ${secret} ] || echo 'install.sh: nobody gets in before root has run: ${enrolCommand(setup)}'
`;
}
