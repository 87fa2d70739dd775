import { join } from 'node:path';
import { parseSshOption, type SshOption } from './option-line.ts';
import { programData } from './path-tokens.ts';
import type { SshRequest } from './request.ts';
import { type ConfiguredTarget, type LocalIdentity, targetFromConfig } from './target-from-config.ts';

/**
 * The target where no `ssh` is installed: the request alone, with its `-o` options and OpenSSH's usual files.
 *
 * As with ssh(1), an option goes before `-p` and the like, the first of several counts, and identity files add up.
 *
 * @returns with the options that have no effect as `ignored`, as they were given
 * @throws TshuttleError ERR_CONFIG when an option has a value that it cannot have, or asks for what tshuttle has not.
 */
export function targetWithoutConfig(
  request: SshRequest,
  local: LocalIdentity,
): ConfiguredTarget & { readonly ignored: readonly string[] } {
  const sshDirectory = join(local.homeDirectory, '.ssh');
  const keyNames = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
  const assumed = new Map<string, readonly string[]>([
    ['identityfile', keyNames.map((name) => join(sshDirectory, name))],
    ['userknownhostsfile', [join(sshDirectory, 'known_hosts')]],
    ['globalknownhostsfile', [join(systemFolder(local), 'ssh_known_hosts')]],
  ]);
  const parsed = request.options.map((text) => ({ text, option: parseSshOption(text) }));
  const options = parsed.flatMap(({ option }) => (option === undefined ? [] : [option]));
  const requested = new Map([...assumed, ...requestedValues(request, options)]);
  const { target, proxy } = targetFromConfig(request, requested, assumed, local);
  const unused = parsed.filter(({ option }) => option === undefined).map(({ text }) => `-o ${text}`);
  return { target, proxy, ignored: unused };
}

/** On Windows every user may make /etc, and with it keys that were trusted. */
function systemFolder({ environment }: LocalIdentity): string {
  return process.platform === 'win32' ? join(programData(environment), 'ssh') : '/etc/ssh';
}

function requestedValues(
  request: SshRequest,
  options: readonly SshOption[],
): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>([['hostname', [request.host]]]);
  if (request.user !== undefined) values.set('user', [request.user]);
  if (request.port !== undefined) values.set('port', [String(request.port)]);
  // Backwards, so that the first one stays.
  for (const { keyword, value } of options.toReversed()) {
    values.set(keyword, [keyword === 'hostname' ? value.replaceAll('%h', request.host) : value]);
  }
  if (request.jump !== undefined) values.set('proxyjump', [request.jump]);
  const identities = options.filter(({ keyword }) => keyword === 'identityfile').map(({ value }) => value);
  const identityFiles = [...identities, ...request.identityFiles];
  if (identityFiles.length > 0) values.set('identityfile', identityFiles);
  return values;
}
