import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ownAccount } from '../../../core/accounts.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { START_FOLDER } from '../../../core/files/start-folder.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import type { SocketPlace } from '../../sockets/socket-place.ts';
import type { EnteredNamespace } from './entered-namespace.ts';
import { HolderProcess, REPLY_TIMEOUT_MS } from './holder-process.ts';
import { includedFilesOfRoot } from './ssh-config-files.ts';

/** A network namespace in which connections are captured, in place of the one that tshuttle runs in. */
export type NetworkNamespace = OwnNamespace | EnteredNamespace;

/** A network namespace of our own, where everything leads to loopback; no root is needed (native-notes/isolated-namespace.md). */
interface OwnNamespace extends SocketPlace {
  readonly kind: 'own';
  /** Whether IPv6 leads anywhere in it. */
  readonly ipv6: boolean;
  /** Runs a command inside as root of its user namespace, which may change its rules: goes before the command. */
  readonly asRoot: readonly string[];
  /** Runs a command inside as who we are, without any capability, in our folder: goes before the command, which replaces it. */
  readonly asUser: readonly string[];
  /** Ends whatever is inside, and the namespace with it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a network namespace.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE where the system lets us not; nothing is left behind then
 */
export async function openNetworkNamespace(ipv6: boolean): Promise<OwnNamespace> {
  if (process.platform !== 'linux') {
    const message = `there are no network namespaces on ${systemWords().name}`;
    throw new TshuttleError('ERR_NO_PRIVILEGE', message, { remedy: 'use --rootless, which does without' });
  }
  const holder = new HolderProcess(['unshare', '--user', '--map-root-user', '--net', '--mount', '--']);
  try {
    const ownCopies = process.geteuid?.() === 0 ? [] : includedFilesOfRoot(ownAccount().homeDirectory);
    await holder.call({ prepare: true, ipv6, ownCopies });
    const namespace = ownNamespace(holder, ipv6);
    const [file = '', ...words] = [...namespace.asUser, 'true'];
    await promisify(execFile)(file, words, { timeout: REPLY_TIMEOUT_MS });
    return namespace;
  } catch (error) {
    await holder.close();
    const message = `no network namespace can be had: ${(holder.errors.trim() || messageOf(error)).slice(0, 500)}`;
    throw new TshuttleError('ERR_NO_PRIVILEGE', message, {
      remedy:
        'it needs Linux with unshare, nsenter (util-linux 2.36), ip and unprivileged user namespaces (Ubuntu: sysctl ' +
        'kernel.apparmor_restrict_unprivileged_userns=0); --rootless does without',
      cause: error,
    });
  }
}

function ownNamespace(holder: HolderProcess, ipv6: boolean): OwnNamespace {
  const enter = ['nsenter', '--target', String(holder.pid), '--user', '--net', '--preserve-credentials'];
  const ids = [`--map-user=${process.geteuid?.()}`, `--map-group=${process.getegid?.()}`];
  const back = ['unshare', '--user', ...ids, `--wd=${START_FOLDER}`, '--'];
  return {
    kind: 'own',
    ipv6,
    asRoot: [...enter, '--'],
    asUser: [...enter, '--mount', '--', ...back],
    listen: (server, at) => holder.listen(server, at),
    bind: (at) => holder.bind(at),
    close: () => holder.close(),
  };
}
