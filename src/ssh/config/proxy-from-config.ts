import { TshuttleError } from '../../core/errors.ts';
import { expandPercent, type PathTokens } from './path-tokens.ts';
import { configValue, type SshConfigOutput } from './ssh-config-output.ts';

/** One jump host as `ProxyJump` and `-J` name it; what is left out comes from its own configuration. */
interface JumpHop {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** What the configuration of one host says about the way to it. */
export type ConfiguredProxy =
  | { readonly kind: 'none' }
  /** Through `last`; `before` is the rest of the list, which goes before `last`'s own configuration. */
  | { readonly kind: 'jump'; readonly last: JumpHop; readonly before: string | undefined }
  /** With its tokens expanded. */
  | { readonly kind: 'command'; readonly command: string };

/** The tokens of ProxyJump and ProxyCommand: ssh_config(5), section TOKENS, and `%k` (sshconnect.c, expand_proxy_command). */
const PROXY_TOKENS = 'hknpr';

/**
 * Reads ProxyJump and ProxyCommand from `ssh -G`, which prints at most one of them, unexpanded.
 *
 * @throws TshuttleError ERR_CONFIG for a hop or a token that ssh would not take either.
 */
export function proxyFromConfig(configured: SshConfigOutput, tokens: PathTokens): ConfiguredProxy {
  const jump = configValue(configured, 'proxyjump');
  if (jump !== undefined) return jumpFrom(expandProxyTokens('ProxyJump', jump, tokens));
  const command = configValue(configured, 'proxycommand');
  if (command === undefined) return { kind: 'none' };
  if (command === '-') {
    throw new TshuttleError(
      'ERR_CONFIG',
      `the ssh configuration of ${tokens.requestedHost} has ProxyCommand -, which stands for ssh's own input and output`,
      { remedy: 'name a command, or set -o ProxyCommand=none' },
    );
  }
  return { kind: 'command', command: expandProxyTokens('ProxyCommand', command, tokens) };
}

function expandProxyTokens(keyword: string, text: string, tokens: PathTokens): string {
  return expandPercent(text, tokens, PROXY_TOKENS, (token) => {
    throw new TshuttleError('ERR_CONFIG', `${keyword} ${text}: ${token} is not a token of ${keyword}`, {
      remedy: 'use %h, %n, %p, %r, or %% for a percent sign',
    });
  });
}

function jumpFrom(list: string): ConfiguredProxy {
  const comma = list.lastIndexOf(',');
  const last = list.slice(comma + 1);
  const hop = parseHop(last);
  if (hop === undefined) {
    throw new TshuttleError('ERR_CONFIG', `ProxyJump ${list}: '${last}' is not a host`, {
      remedy: 'write [user@]host[:port], several with commas between them',
    });
  }
  return { kind: 'jump', last: hop, before: comma < 0 ? undefined : list.slice(0, comma) };
}

/** `[user@]host[:port]` or `ssh://` before it, IPv6 addresses in brackets (misc.c, parse_user_host_port). */
function parseHop(text: string): JumpHop | undefined {
  const match = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:@[\]]+))(?::(\d{1,5}))?\/?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, user, bracketed, plain, portText] = match;
  const host = bracketed ?? plain ?? '';
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return { host, user, port };
}
