import { createHash } from 'node:crypto';
import { expandTilde, userOfTilde } from '../../core/accounts.ts';
import { TshuttleError } from '../../core/errors.ts';

/** What the tokens of ssh_config(5), section TOKENS, stand for. */
export interface PathTokens {
  /** `%d` and `~`. */
  readonly homeDirectory: string;
  /** `%h`: the name after HostName. */
  readonly host: string;
  /** `%k`: HostKeyAlias, or the name as the user wrote it. */
  readonly hostKeyAlias: string;
  /** `%n`: the name as the user wrote it. */
  readonly requestedHost: string;
  /** `%p`. */
  readonly port: number;
  /** `%r`. */
  readonly remoteUser: string;
  /** `%u` and `%i`. */
  readonly localUser: string;
  readonly localUserId: number;
  /** `%l`; `%L` is its first label. */
  readonly localHost: string;
}

/**
 * Expands `~`, `%` tokens and `${VARIABLE}` in a path of the ssh configuration, which `ssh -G` prints unexpanded.
 *
 * A token or variable that does not exist stays as it is, so that the error about the missing file shows it.
 *
 * @throws TshuttleError ERR_CONFIG for `~user` of a user that this machine does not have, as ssh(1)
 */
export function expandPath(
  path: string,
  tokens: PathTokens,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return inHome(path, tokens.homeDirectory)
    .replace(PROGRAM_DATA, () => programData(environment))
    .replace(/%(.)/g, (token, letter: string) => tokenValue(letter, tokens) ?? token)
    .replace(/\$\{(\w+)\}/g, (reference, name: string) => environment[name] ?? reference);
}

/** How OpenSSH for Windows writes the folder of its own files in what `ssh -G` prints. As it is it would lie in the current folder. */
const PROGRAM_DATA = /^__PROGRAMDATA__(?=[\\/])/;

/** Where Windows keeps files of programs for all users, which administrators alone can change. */
export function programData(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['PROGRAMDATA'] ?? environment['ProgramData'] ?? 'C:\\ProgramData';
}

/**
 * Expands `%%` and the `%` tokens whose letters are allowed.
 *
 * @param onUnknown called with any other, a lone `%` at the end too; ends the expansion by throwing
 */
export function expandPercent(
  text: string,
  tokens: PathTokens,
  letters: string,
  onUnknown: (token: string) => never,
): string {
  return text.replace(/%(.?)/gs, (token, letter: string) => {
    const isAllowed = letter === '%' || (letter !== '' && letters.includes(letter));
    return (isAllowed ? tokenValue(letter, tokens) : undefined) ?? onUnknown(token);
  });
}

function inHome(path: string, homeDirectory: string): string {
  const expanded = expandTilde(path, homeDirectory);
  const user = userOfTilde(expanded);
  if (user === undefined) return expanded;
  throw new TshuttleError(
    'ERR_CONFIG',
    `the ssh configuration has ${path}, and this machine has no user ${user}`,
    { remedy: 'name the file by its whole path' },
  );
}

function tokenValue(letter: string, tokens: PathTokens): string | undefined {
  switch (letter) {
    case '%':
      return '%';
    case 'd':
      return tokens.homeDirectory;
    case 'h':
      return tokens.host;
    case 'i':
      return String(tokens.localUserId);
    case 'k':
      return tokens.hostKeyAlias;
    case 'l':
      return tokens.localHost;
    case 'L':
      return tokens.localHost.split('.')[0] ?? '';
    case 'n':
      return tokens.requestedHost;
    case 'p':
      return String(tokens.port);
    case 'r':
      return tokens.remoteUser;
    case 'u':
      return tokens.localUser;
    case 'C':
      return connectionHash(tokens);
    default:
      return undefined;
  }
}

/** `%C`: SHA-1 of `%l%h%p%r` (OpenSSH 9.2; newer ones append ProxyJump, which is left out here). */
function connectionHash(tokens: PathTokens): string {
  const text = `${tokens.localHost}${tokens.host}${tokens.port}${tokens.remoteUser}`;
  return createHash('sha1').update(text).digest('hex');
}
