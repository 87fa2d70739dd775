import { TshuttleError } from '../../core/errors.ts';
import { hasUndialableScope } from '../../net/address/scoped-address.ts';
import { type AgentKey, listAgentKeys } from '../keys/agent-client.ts';
import { readIdentity } from '../keys/identity-file.ts';
import { samePublicKey } from '../keys/public-key.ts';
import { isSecurityKey } from '../keys/signing-key.ts';
import type { AuthenticationMethod, AuthenticationPolicy, OpensshNeed, SshTarget } from '../ssh-target.ts';
import { ALGORITHM_KEYWORDS, supportedAlgorithms, usableAlgorithms } from './algorithms.ts';
import { configSwitch, configValue, type SshConfigOutput } from './ssh-config-output.ts';

/**
 * What a host's configuration asks for that only ssh itself can do.
 *
 * @param configured `ssh -G` for the host
 * @param builtIn `ssh -G -F none`
 * @param methods what ssh2 could authenticate with
 */
export function opensshNeeds(
  host: string,
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
  methods: readonly AuthenticationMethod[],
): OpensshNeed[] {
  const needs: OpensshNeed[] = [];
  const need = (what: string, remedy: string): void => {
    const message = `the ssh configuration of ${host} has ${what}, which only --transport openssh can do`;
    needs.push({ what, error: new TshuttleError('ERR_CONFIG', message, { remedy }) });
  };
  const bindInterface = configValue(configured, 'bindinterface');
  if (bindInterface !== undefined) {
    need(`BindInterface ${bindInterface}`, 'set -o BindAddress=ADDRESS instead');
  }
  const hostName = configValue(configured, 'hostname') ?? host;
  if (hasUndialableScope(hostName)) {
    need(`${hostName}, whose interface Node.js cannot dial`, "set -o ProxyCommand='nc %h %p'");
  }
  if (
    configValue(configured, 'proxycommand') !== undefined &&
    configSwitch(configured, 'proxyusefdpass', false)
  ) {
    need('ProxyUseFdpass yes', 'let the ProxyCommand carry the data itself, and set -o ProxyUseFdpass=no');
  }
  for (const { list, keyword } of ALGORITHM_KEYWORDS) {
    const value = configValue(configured, keyword.toLowerCase());
    const isOwn = value !== undefined && value !== configValue(builtIn, keyword.toLowerCase());
    if (!isOwn || usableAlgorithms(list, value).length > 0) continue;
    need(
      `${keyword} ${value}`,
      `allow one of ${supportedAlgorithms(list).join(', ')} with -o ${keyword}=...`,
    );
  }
  const others = ['gssapiauthentication', 'hostbasedauthentication'].filter((keyword) =>
    configSwitch(configured, keyword, false),
  );
  if (methods.length === 0 && others.length > 0) {
    need(
      `no way to log in but ${others.join(' and ')}`,
      'switch a method on, as with -o PubkeyAuthentication=yes',
    );
  }
  const provider = configValue(configured, 'pkcs11provider');
  if (provider !== undefined) needs.push({ what: `PKCS11Provider ${provider}`, error: undefined });
  return needs;
}

/**
 * What on the whole way to a bastion only ssh itself can do, FIDO keys that the user has named among it.
 *
 * Never rejects: what cannot be read is told of where it is used.
 */
export async function allOpensshNeeds(
  target: SshTarget,
  signal: AbortSignal,
): Promise<readonly OpensshNeed[]> {
  const { proxy, authentication, openssh } = target;
  const beforeIt = proxy.kind === 'jump' ? await allOpensshNeeds(proxy.jumpHost, signal) : [];
  return [...beforeIt, ...openssh.needs, ...(await fidoNeeds(authentication, signal))];
}

/** A FIDO key in a file signs by its device; one that the agent holds is the agent's business. */
async function fidoNeeds(
  { identities, agentSocket }: AuthenticationPolicy,
  signal: AbortSignal,
): Promise<OpensshNeed[]> {
  const named = identities.filter(({ origin }) => origin === 'named');
  const read = await Promise.all(named.map((file) => readIdentity(file).catch(() => undefined)));
  const keys = read.flatMap((identity) =>
    identity?.publicKey !== undefined &&
    identity.privateText !== undefined &&
    isSecurityKey(identity.publicKey.type)
      ? [{ publicKey: identity.publicKey, path: identity.file.path }]
      : [],
  );
  if (keys.length === 0) return [];
  const held =
    agentSocket === undefined ? [] : await listAgentKeys(agentSocket, signal).catch((): AgentKey[] => []);
  return keys
    .filter(({ publicKey }) => !held.some((key) => samePublicKey(key.publicKey, publicKey)))
    .map(({ path }) => ({ what: `the FIDO key ${path}`, error: undefined }));
}
