import { formatCidr } from '../net/address/cidr.ts';
import { portCount } from '../net/address/port-range.ts';
import { renderAuthorities, renderAuthorizedKeys, renderPrincipals } from './access-files.ts';
import { permitOpenWord } from './allowed.ts';
import { type Allowed, type BastionSetup, type SetupFile, WRITTEN_BY } from './setup.ts';
import { CONTAINER_PORT, MOUNTED_FOLDER, renderContainerConfig } from './sshd-config.ts';

/** The account's number; a platform that wants a number for the user of a container is given this one. */
const USER_ID = 10_022;

/**
 * An image whose sshd is the account of the tunnels itself: it needs no capability and writes nowhere, and what it could be made to do
 * is what that account can do. Host key and keys are mounted: what is in an image is everybody's who has it.
 */
export function renderContainerFiles(setup: BastionSetup): readonly [SetupFile, ...SetupFile[]] {
  const access: readonly SetupFile[] = [
    { name: 'authorized_keys', mode: 0o644, text: renderAuthorizedKeys(setup) },
    ...(setup.authorities.length === 0
      ? []
      : [
          { name: 'user_ca', mode: 0o644, text: renderAuthorities(setup) },
          { name: 'principals', mode: 0o644, text: renderPrincipals(setup) },
        ]),
  ];
  return [{ name: 'Containerfile', mode: 0o644, text: renderContainerfile(setup, access) }, ...access];
}

function renderContainerfile(setup: BastionSetup, access: readonly SetupFile[]): string {
  const permitted = [...new Set(setup.allowed.map((one) => permitOpenWord(one) ?? anyHostWord(one)))];
  const config = [`# ${WRITTEN_BY}`, ...renderContainerConfig(setup, permitted)];
  const open = setup.allowed.flatMap((one) =>
    permitOpenWord(one) === undefined && one.kind === 'network' ? [formatCidr(one.cidr)] : [],
  );
  return `# ${WRITTEN_BY}
#
# podman build -t bastion .
# mkdir keys && ssh-keygen -q -t ed25519 -N '' -f keys/ssh_host_ed25519_key && sudo chown ${USER_ID} keys/ssh_host_ed25519_key
# podman run -d --read-only --cap-drop ALL --security-opt no-new-privileges --ulimit nofile=65536:65536 \\
#   -p 22:${CONTAINER_PORT} -v ./keys:${MOUNTED_FOLDER}:ro bastion
#
# keys has the host key and:
${access.map(({ name, text }) => commented(name, text)).join('')}#
# A task definition (ECS) or pod (Kubernetes) says the same: readonlyRootFilesystem true, user ${USER_ID}, capabilities drop ALL,
# ulimits nofile 65536, a TCP health check on ${CONTAINER_PORT}, keys from a volume, and no taskRoleArn: what it forwards could ask for its credentials.
${open.length === 0 ? '' : firewallNote(open)}ARG BASE=docker.io/library/debian:13-slim
FROM \${BASE}
RUN apt-get update \\
 && apt-get install -y --no-install-recommends openssh-server \\
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \\
 && useradd --uid ${USER_ID} --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --password '*' ${setup.user} \\
 && mkdir -p ${MOUNTED_FOLDER} /run/sshd \\
 && printf '%s\\n' \\
${config.map((line) => `      '${line}' \\`).join('\n')}
      >/etc/ssh/sshd_config
USER ${USER_ID}
EXPOSE ${CONTAINER_PORT}
ENTRYPOINT ["/usr/sbin/sshd", "-D", "-e"]
`;
}

/** PermitOpen knows no networks: a port of any host, and what refuses the other hosts is the platform's firewall. */
function anyHostWord({ ports }: Allowed): string {
  return portCount(ports) === 1 ? `*:${ports.first}` : '*:*';
}

function firewallNote(open: readonly string[]): string {
  return `#
# PermitOpen of sshd knows no networks and a container without capabilities has no rules: it is the platform's firewall (security
# group, network policy) that has to let this container connect to ${open.join(', ')} only.
`;
}

function commented(name: string, text: string): string {
  return `#   ${name}\n${text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => `#     ${line}\n`)
    .join('')}`;
}
