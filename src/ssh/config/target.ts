import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ownAccount } from '../../core/accounts.ts';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { whyNoFile } from '../../core/files/regular-file.ts';
import { folderForShortChild } from '../../core/files/start-folder.ts';
import type { Logger } from '../../core/log.ts';
import { environmentForChildren } from '../child-environment.ts';
import type { SshTarget } from '../ssh-target.ts';
import { divideOptions } from './algorithm-lists.ts';
import { type ConfigEffects, configEffects } from './config-effects.ts';
import type { SshRequest } from './request.ts';
import { existingIdentities, requestArguments } from './request-arguments.ts';
import { resolveRoute } from './resolve-route.ts';
import { configSwitch, parseSshConfigOutput, type SshConfigOutput } from './ssh-config-output.ts';
import { type ConfiguredTarget, type LocalIdentity, targetFromConfig } from './target-from-config.ts';
import { targetWithoutConfig } from './target-without-config.ts';

/** `ssh -G` may run the user's own `Match exec` commands, and look names up; more than this is not a configuration. */
const SSH_TIMEOUT_MS = 15_000;
const SSH_OUTPUT_LIMIT_BYTES = 1_048_576;

type Environment = Readonly<Record<string, string | undefined>>;

/** Dependencies of {@link resolveTarget}. */
export interface ResolveContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** For SSH_AUTH_SOCK, PATH and `${VARIABLE}`; the process environment unless given. */
  readonly environment?: Environment;
}

/**
 * Completes a request with the user's ssh configuration, by asking OpenSSH itself (`ssh -G`), and each jump host with its own.
 *
 * Without an `ssh` on this machine the request stands alone, with its `-o` options as far as we know them, and a warning.
 *
 * @throws TshuttleError ERR_USAGE when the host cannot be a host; ERR_CONFIG when ssh rejects the configuration, when it
 *   asks for what tshuttle cannot do, or when a file of `-i` is not there.
 */
export async function resolveTarget(request: SshRequest, context: ResolveContext): Promise<SshTarget> {
  return await resolveRoute(request, (one) => resolveHost(one, context));
}

async function resolveHost(request: SshRequest, context: ResolveContext): Promise<ConfiguredTarget> {
  refuseStrangeNames(request);
  const identityFiles = await existingIdentities(request.identityFiles);
  const environment = context.environment ?? process.env;
  const account = ownAccount(environment);
  const local: LocalIdentity = { ...account, hostName: hostname(), environment };
  const { forSsh, own } = divideOptions(request.options);
  const alone = { ...request, identityFiles };
  const asked = { ...alone, options: forSsh };
  refuseConfigThatIsNoFile(request.configFile ?? join(account.homeDirectory, '.ssh', 'config'));
  if (!account.isKnown) {
    const why = `this machine has no account of uid ${account.userId}, and ssh runs for nobody else`;
    return withoutSsh(alone, local, why, context.logger);
  }
  const outputs = await Promise.all([
    askSsh(asked.command, ['-G', ...requestArguments(asked)], environment, context),
    askSsh(undefined, ['-F', 'none', '-G', '--', 'localhost'], environment, context),
  ]);
  const [printed, builtIn] = outputs;
  if (printed === 'no ssh here' || builtIn === 'no ssh here')
    return withoutSsh(alone, local, 'no ssh found on this machine', context.logger);
  const all = await withClearedForwardings(printed, asked, environment, context);
  const configured = new Map([...all, ...own]);
  tellEffects(request.host, configEffects(request.host, configured, builtIn), context.logger);
  return targetFromConfig(request, configured, builtIn, local);
}

/** `ssh -G` does not print what ClearAllForwardings has cleared. */
async function withClearedForwardings(
  printed: SshConfigOutput,
  request: SshRequest,
  environment: Environment,
  context: ResolveContext,
): Promise<SshConfigOutput> {
  if (!configSwitch(printed, 'clearallforwardings', false)) return printed;
  const options = ['ClearAllForwardings=no', ...request.options];
  const words = ['-G', ...requestArguments({ ...request, options })];
  const all = await askSsh(request.command, words, environment, context);
  return all === 'no ssh here' ? printed : new Map([...all, ...printed]);
}

/** ssh would wait for what a pipe has to say. */
function refuseConfigThatIsNoFile(path: string): void {
  const why = path === 'none' ? undefined : whyNoFile(path);
  if (why === undefined) return;
  throw new TshuttleError('ERR_CONFIG', `cannot read the ssh configuration ${path}: ${why}`, {
    remedy: 'name a file with -F, or -F none',
  });
}

function tellEffects(host: string, { used, notUsed, ofSshItself }: ConfigEffects, logger: Logger): void {
  const parts = [
    { what: 'used', list: used },
    {
      what: process.platform === 'win32' ? 'of no effect' : 'of no effect without --transport openssh',
      list: notUsed,
    },
    { what: "of ssh's own sessions and forwardings", list: ofSshItself },
  ];
  for (const { what, list } of parts) {
    if (list.length > 0) logger.info(`the ssh configuration of ${host}, ${what}: ${list.join('; ')}`);
  }
}

function withoutSsh(
  request: SshRequest,
  local: LocalIdentity,
  why: string,
  logger: Logger,
): ConfiguredTarget {
  if (request.configFile !== undefined) {
    throw new TshuttleError('ERR_CONFIG', `-F ${request.configFile} cannot be read: ${why}`, {
      remedy: 'make ssh work on this machine, or leave -F out and say everything with -i, -o and -J',
    });
  }
  const { ignored, ...target } = targetWithoutConfig(request, local);
  const unused = ignored.length === 0 ? '' : `, and without it these have no effect: ${ignored.join(', ')}`;
  logger.warn(`${why}: the ssh configuration is not read${unused}`);
  return target;
}

function refuseStrangeNames(request: SshRequest): void {
  const checks = [
    { what: 'host', text: request.host, isBad: /^$|^-|[\s\p{Cc}]/u },
    // A user of a directory service may have a space (ssh.c, valid_ruser).
    { what: 'user', text: request.user ?? 'user', isBad: /^$|^-|\s-|\p{Cc}/u },
  ];
  for (const { what, text, isBad } of checks) {
    if (!isBad.test(text)) continue;
    throw new TshuttleError('ERR_USAGE', `'${text}' cannot be a ${what} name`, {
      remedy: 'write -r [user@]host[:port]',
    });
  }
}

async function askSsh(
  command: SshRequest['command'],
  sshArguments: readonly string[],
  environment: Environment,
  context: ResolveContext,
): Promise<SshConfigOutput | 'no ssh here'> {
  const { stdout, failure, stderr } = await runSsh(command, sshArguments, environment, context.signal);
  context.signal.throwIfAborted();
  const warnings = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Pseudo-terminal'));
  if (failure === undefined) {
    for (const warning of warnings) context.logger.warn(`ssh: ${warning.trim()}`);
    return parseSshConfigOutput(stdout);
  }
  if (systemCodeOf(failure) === 'ENOENT') return 'no ssh here';
  const reason = warnings.length > 0 ? warnings.join('; ').trim() : messageOf(failure);
  throw new TshuttleError('ERR_CONFIG', `ssh does not accept the configuration: ${reason}`, {
    remedy: remedyFor(reason),
    cause: failure,
  });
}

function remedyFor(reason: string): string {
  if (/^Bad owner or permissions/m.test(reason)) {
    return (
      'ssh wants that file to belong to root or to you, and nobody else to write it; in a user namespace, where root’s ' +
      'files belong to nobody: -F none, or -F with a file of yours'
    );
  }
  if (/bad configuration option: usekeychain/i.test(reason)) {
    return 'only the ssh of macOS (/usr/bin/ssh) knows that keyword: have a line IgnoreUnknown UseKeychain stand above it';
  }
  return 'correct the -o option or the line of the ssh configuration that it names';
}

interface SshRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: Error | undefined;
}

function runSsh(
  [program, ...words]: readonly string[] = ['ssh'],
  sshArguments: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<SshRun> {
  return new Promise((resolve) => {
    const child = execFile(
      program ?? 'ssh',
      [...words, ...sshArguments],
      {
        encoding: 'utf8',
        env: { ...environmentForChildren(environment), LC_ALL: 'C' },
        // `Match exec` may look around there.
        cwd: folderForShortChild(),
        maxBuffer: SSH_OUTPUT_LIMIT_BYTES,
        signal,
        timeout: SSH_TIMEOUT_MS,
      },
      (failure, stdout, stderr) => resolve({ stdout, stderr, failure: failure ?? undefined }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}
