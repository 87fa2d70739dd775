import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import type { Config } from '../../../config/config.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { systemNameservers } from '../../../dns/system/nameservers.ts';
import { wantsPassword } from '../../../intercept/client/client-errors.ts';
import { findHelperCommandFacts, helperCommand, withoutPrompt } from '../../../intercept/client/command.ts';
import { type HelperInterceptor, openInterceptor } from '../../../intercept/helper-interceptor.ts';
import { whyNoNativeLibrary } from '../../../net/native/library.ts';
import { NATIVE_CRYPTO_REMEDY } from '../../../ssh/ssh2/channels/flow-control/cipher-cost.ts';
import { hasOpenSsl } from '../../../ssh/ssh2/internals/ciphers/openssl.ts';
import { hasNativeCrypto } from '../../../ssh/ssh2/internals/connection-internals.ts';
import { checkCapture } from './capture-checks.ts';
import { type Finding, note, ok, problem, problemOf } from './finding.ts';

const run = promisify(execFile);

/** How long a program of this machine may take to answer. */
const TOOL_TIMEOUT_MS = 5_000;

interface MachineCheckContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Whether sudo could ask for a password. */
  readonly canAsk: boolean;
}

/** Checks of this machine, before anything is connected to; installs nothing and sets no rule. */
export async function* checkMachine(
  config: Config | undefined,
  context: MachineCheckContext,
): AsyncGenerator<Finding> {
  yield ok('Node.js', `${process.version} on ${process.platform} ${process.arch}`);
  yield checkCrypto();
  yield* checkNativeLibrary();
  yield* checkRedirect(config, context);
  yield checkNameservers();
  yield* checkOthers();
}

/** Without it nothing is captured, and proxies work. */
function* checkNativeLibrary(): Generator<Finding> {
  const missing = systemWords().redirector === undefined ? undefined : whyNoNativeLibrary();
  if (missing !== undefined) yield problemOf('native library', missing);
}

function checkCrypto(): Finding {
  if (hasOpenSsl()) return ok('crypto', "by Node's own OpenSSL");
  if (hasNativeCrypto()) return ok('crypto', "by ssh2's native code");
  const cost = "ssh2's native crypto was not built: everything works, at up to four times the CPU";
  return note('crypto', cost, NATIVE_CRYPTO_REMEDY);
}

/** Starts the root helper for a moment, where that asks for no password, and has it redirect connections of our own. */
async function* checkRedirect(
  config: Config | undefined,
  { logger, signal, canAsk }: MachineCheckContext,
): AsyncGenerator<Finding> {
  const check = 'redirect';
  let interceptor: HelperInterceptor;
  try {
    const command = withoutPrompt(helperCommand(findHelperCommandFacts()));
    interceptor = await openInterceptor({ method: config?.method ?? 'auto', logger, signal, command });
  } catch (error) {
    const finding =
      error instanceof TshuttleError && error.code === 'ERR_NO_PRIVILEGE'
        ? await checkSudo(error, canAsk)
        : problemOf(check, error);
    // Proxies are all that there is on such a system, and they work.
    yield systemWords().redirector === undefined ? { ...finding, status: 'note' } : finding;
    return;
  }
  try {
    const { method, families } = interceptor;
    yield ok(check, `the kernel takes redirect rules by ${method}, for IPv${families.join(' and IPv')}`);
    yield* checkCapture(interceptor, config, logger);
  } catch (error) {
    yield problemOf('capture', error);
  } finally {
    await interceptor.close();
  }
}

/** sudo did not start the helper without asking: whether it would with a password. */
async function checkSudo(refusal: TshuttleError, canAsk: boolean): Promise<Finding> {
  const check = 'privileges';
  const { sudoPath } = findHelperCommandFacts();
  if (sudoPath === undefined) return problemOf(check, refusal);
  try {
    await run(sudoPath, ['-n', '-l'], { timeout: TOOL_TIMEOUT_MS, env: { LC_ALL: 'C' } });
  } catch (error) {
    const said = String((error as { readonly stderr?: unknown }).stderr ?? '');
    if (!wantsPassword(said)) {
      return problem(
        check,
        `sudo lets this user run nothing: ${said.trim().split('\n').at(-1) ?? refusal.message}`,
        'ask an administrator for the line that tshuttle sudoers shows; --socks needs no root',
      );
    }
  }
  if (!canAsk) {
    return problem(
      check,
      'sudo asks for a password at each start, and there is no terminal to ask on',
      'have an administrator install the line that tshuttle sudoers shows, or start it on a terminal',
    );
  }
  return note(
    check,
    'sudo asks for a password at each start, so that the rules could not be tried',
    'tshuttle sudoers shows a line that is safe to grant; or run sudo -v first, then doctor again',
  );
}

function checkNameservers(): Finding {
  const nameservers = systemNameservers().map(({ address }) => address);
  const asked = nameservers.length === 0 ? 'no resolver that it names' : nameservers.join(', ');
  return ok('resolver', `this machine asks ${asked}${resolverManager()}`);
}

/** Of Linux only. */
function resolverManager(): string {
  if (process.platform !== 'linux') return '';
  return existsSync('/run/systemd/resolve/stub-resolv.conf')
    ? '; systemd-resolved runs'
    : '; no systemd-resolved';
}

/** Other programs that decide where connections go. */
const OTHERS: ReadonlyArray<readonly [pattern: RegExp, what: string]> = [
  [/^(tun|wg|utun|ppp|tailscale|nebula|zt)/, 'another VPN may be up on it'],
  [/^(docker|br-|podman|cni|virbr)/, 'containers are behind it: what they open themselves is not captured'],
];

function* checkOthers(): Generator<Finding> {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    // macOS has some utun of its own, with link-local addresses.
    if (/^utun/.test(name) && addresses.every(({ address }) => address.startsWith('fe80:'))) continue;
    const other = OTHERS.find(([pattern]) => pattern.test(name));
    if (other !== undefined) yield note('interfaces', `${name}: ${other[1]}`);
  }
}

/** A one-time code counts for half a minute, so that a clock that is off makes every code wrong. */
export async function checkClock(): Promise<Finding> {
  const check = 'clock';
  const { setClock, platform } = systemWords();
  try {
    if (platform !== 'linux') throw new Error('nothing tells');
    const { stdout } = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: TOOL_TIMEOUT_MS,
    });
    return stdout.trim() === 'yes'
      ? ok(check, 'is synchronised, as one-time codes need')
      : note(check, 'is not synchronised: one-time codes may be refused for that', setClock);
  } catch {
    return note(
      check,
      'nothing here can say whether it is right; one-time codes depend on that',
      `compare it with another one; or set it: ${setClock}`,
    );
  }
}
