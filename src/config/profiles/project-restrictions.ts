import type { Problem } from '../../core/problem.ts';
import { formatForwardListen } from '../../net/address/forward.ts';
import { isLoopback } from '../../net/address/literal.ts';
import { keysOfPart, OPTIONS, type ProfileOptions } from '../options/table.ts';
import { parseForward } from '../parse/forward.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseProxyListen } from '../parse/proxy-listen.ts';
import { parseRemote } from '../parse/remote.ts';

/** Whose file a profile stands in: the user's own, or one that came with a project. */
export type Origin = 'user' | 'project';

/**
 * What -o may set in a project file. A list of what is harmless, since ssh gets new options: none of these runs a command,
 * loads a library, names a host that is put into a command (%h, %k, %r), or weakens the check of host keys.
 */
const HARMLESS_SSH_OPTIONS = new Set([
  'addressfamily',
  'bindaddress',
  'bindinterface',
  'certificatefile',
  'ciphers',
  'compression',
  'connectionattempts',
  'connecttimeout',
  'hostkeyalgorithms',
  'identitiesonly',
  'identityfile',
  'kbdinteractiveauthentication',
  'kexalgorithms',
  'macs',
  'numberofpasswordprompts',
  'passwordauthentication',
  'preferredauthentications',
  'pubkeyacceptedalgorithms',
  'pubkeyauthentication',
  'rekeylimit',
  'requiredrsasize',
  'serveralivecountmax',
  'serveraliveinterval',
  'tcpkeepalive',
]);

/**
 * What a profile of a project file says that only the user's own file may: a cloned repository must not run a
 * command of its author's by `tshuttle up`.
 */
export function projectProblems(
  profile: ProfileOptions,
  locate: (path: ReadonlyArray<string | number>) => string,
): Problem[] {
  const problems: Problem[] = [];
  for (const [index, option] of (profile.ssh_options ?? []).entries()) {
    const name = /^[^\s=]*/.exec(option)![0];
    if (HARMLESS_SSH_OPTIONS.has(name.toLowerCase())) continue;
    const what = `${name} may not stand in a project file, which must not run commands; use your own config.yaml`;
    problems.push({ where: `${locate(['ssh_options', index])} ssh_options`, what });
  }
  if (profile.ssh_config !== undefined && profile.ssh_config !== 'none') {
    const what = 'may not stand in a project file: that file could run commands; use your own config.yaml';
    problems.push({ where: `${locate(['ssh_config'])} ssh_config`, what });
  }
  if (profile.on_event !== undefined) {
    const what = 'may not stand in a project file, which must not run commands; use your own config.yaml';
    problems.push({ where: `${locate(['on_event'])} on_event`, what });
  }
  if (profile.openstack_catalog !== undefined) {
    const what =
      'may not stand in a project file, which must not have your credentials used; use your own config.yaml';
    problems.push({ where: `${locate(['openstack_catalog'])} openstack_catalog`, what });
  }
  for (const { key } of keysOfPart('proxies').map((protocol) => OPTIONS[protocol].profile)) {
    for (const [index, place] of (profile[key] ?? []).entries()) {
      const parsed = parseProxyListen(place);
      if (parsed instanceof Invalid || isLoopback(parsed.address)) continue;
      const what = `${place} is open to other machines, which only your own config.yaml may say`;
      problems.push({ where: `${locate([key, index])} ${key}`, what });
    }
  }
  for (const [index, text] of (profile.forwards ?? []).entries()) {
    const parsed = parseForward(text, (path) => path);
    if (parsed instanceof Invalid) continue;
    const { listen } = parsed;
    const isOwn = listen.kind === 'port' && (listen.address === 'localhost' || isLoopback(listen.address));
    if (isOwn) continue;
    const what = `${formatForwardListen(listen)} is ${listen.kind === 'port' ? 'open to other machines' : 'a file'}, which only your own config.yaml may say`;
    problems.push({ where: `${locate(['forwards', index])} forwards`, what });
  }
  for (const hop of profile.jump?.split(',') ?? []) {
    const parsed = parseRemote(hop);
    if (parsed instanceof Invalid) problems.push({ where: `${locate(['jump'])} jump`, what: parsed.what });
  }
  return problems;
}
