import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import type { IpFamily } from '../../address/literal.ts';
import type { PlacedAddress, SocketPlace } from '../../sockets/socket-place.ts';
import type { RouteLookup } from '../route-check.ts';
import { HolderProcess } from './holder-process.ts';
import { fileIdentity, formatNamespace, type NamespacePlace, namespacePath } from './namespace-place.ts';

/**
 * A network namespace of others that is there already: ours are the process that makes sockets in it, and the helper with its rules. The
 * kernel keeps it as long as these run (native-notes/entered-namespace.md).
 */
export interface EnteredNamespace extends SocketPlace {
  readonly kind: 'entered';
  /** For people: `the network namespace blue`. */
  readonly description: string;
  /** Whether it has IPv6 at all. */
  readonly ipv6: boolean;
  /** Runs the helper inside, with power over its rules: goes before the command. */
  readonly asRoot: readonly string[];
  /** The resolv.conf of what runs in it; undefined: that of this machine. */
  readonly resolvConf: string | undefined;
  readonly place: NamespacePlace;
  /** As `lookUpRoute`, of its routes. */
  readonly lookUpRoute: (family: IpFamily, address: string) => Promise<RouteLookup>;
  /** Opens a connection from a port of its own, which the caller owns. @param onMade has it first @throws Error of the system */
  connect(to: PlacedAddress, localPort: number, onMade: (socket: Socket) => void): Promise<Socket>;
  /** Whether the name, or the process, still stands for it. */
  isThere(): boolean;
  /** Leaves it. Nothing in it is touched. Idempotent. */
  close(): Promise<void>;
}

/**
 * Enters a network namespace. The kernel says who may: root, and whoever owns the user namespace behind it (setns(2)), as of a rootless
 * container. No grant of the helper by sudo reaches so far, since nsenter starts it here, and not sudo.
 *
 * @throws TshuttleError ERR_CONFIG where there is none, or no loopback in it; ERR_NO_PRIVILEGE where this user may not. Nothing is left
 *   behind then
 */
export async function enterNamespace(place: NamespacePlace): Promise<EnteredNamespace> {
  const description = formatNamespace(place);
  if (process.platform !== 'linux')
    throw new TshuttleError('ERR_CONFIG', `there are no network namespaces on ${systemWords().name}`, {
      remedy: 'leave out --namespace and --namespace-pid',
    });
  const isRoot = process.geteuid?.() === 0;
  const identity = identityOf(place, description);
  if (identity === fileIdentity('/proc/self/ns/net'))
    throw new TshuttleError('ERR_CONFIG', `${description} is the one that tshuttle runs in`, {
      remedy: 'leave the option out',
    });
  if (!isRoot && place.kind === 'name') throw notAllowed(description);
  const holder = new HolderProcess([...enterWords(place, isRoot), '--']);
  try {
    const { answer } = await holder.call({ look: true });
    const families = answer.kind === 'looked' ? answer.families : [];
    // The pid may be another process's by now.
    if (fileIdentity(`/proc/${holder.pid}/ns/net`) !== identity)
      throw new TshuttleError('ERR_CONFIG', `${description} went away while it was entered`);
    if (!families.includes(4)) throw withoutLoopback(place, description);
    return entered(holder, { place, description, identity, ipv6: families.includes(6), isRoot });
  } catch (error) {
    await holder.close();
    if (error instanceof TshuttleError) throw error;
    throw notAllowed(description, holder.errors.trim().slice(0, 500) || messageOf(error), error);
  }
}

/** @param isRoot else its user namespace is entered first, whose owner has all power in it */
function enterWords(place: NamespacePlace, isRoot: boolean): readonly [string, ...string[]] {
  if (isRoot) return ['nsenter', `--net=${namespacePath(place)}`];
  const pid = place.kind === 'process' ? place.pid : 0;
  return ['nsenter', '--target', String(pid), '--user', '--net', '--preserve-credentials'];
}

function identityOf(place: NamespacePlace, description: string): string {
  try {
    return fileIdentity(namespacePath(place));
  } catch (error) {
    if (systemCodeOf(error) === 'EACCES') throw notAllowed(description, undefined, error);
    const [message, remedy] =
      place.kind === 'name'
        ? [`there is no network namespace ${place.name}`, 'ip netns list shows those that have a name']
        : [`there is no process ${place.pid}`, 'lsns -t net shows the namespaces, each with a process in it'];
    throw new TshuttleError('ERR_CONFIG', message, { remedy, cause: error });
  }
}

function notAllowed(description: string, why?: string, cause?: unknown): TshuttleError {
  const message = `${description} cannot be entered${why === undefined ? ': only root may' : `: ${why}`}`;
  return new TshuttleError('ERR_NO_PRIVILEGE', message, {
    remedy:
      'run tshuttle as root, as in sudo tshuttle -F ~/.ssh/config -i ~/.ssh/id_ed25519; whoever owns a rootless container needs no root, ' +
      'with --namespace-pid',
    cause,
  });
}

/** What a new namespace is like. */
function withoutLoopback(place: NamespacePlace, description: string): TshuttleError {
  const command =
    place.kind === 'name'
      ? `ip -n ${place.name} link set lo up`
      : `nsenter --net --target ${place.pid} ip link set lo up`;
  return new TshuttleError(
    'ERR_CONFIG',
    `loopback is down in ${description}, where connections would arrive`,
    {
      remedy: `switch it on: sudo ${command}`,
    },
  );
}

interface Facts {
  readonly place: NamespacePlace;
  readonly description: string;
  readonly identity: string;
  readonly ipv6: boolean;
  readonly isRoot: boolean;
}

function entered(
  holder: HolderProcess,
  { place, description, identity, ipv6, isRoot }: Facts,
): EnteredNamespace {
  // Not by the name: another one may have it by the time that the helper is started again.
  const held: NamespacePlace = { kind: 'process', pid: holder.pid };
  return {
    kind: 'entered',
    description,
    ipv6,
    place,
    asRoot: [...enterWords(held, isRoot), '--'],
    resolvConf: resolvConfOf(place),
    listen: (server, at) => holder.listen(server, at),
    bind: (at) => holder.bind(at),
    lookUpRoute: async (family, address) => {
      const { answer } = await holder.call({ route: { family, address } });
      return answer.kind === 'route' ? answer.route : { kind: 'none' };
    },
    connect: async (to, localPort, onMade) => {
      const { socket } = await holder.call({ connect: to, localPort });
      if (!(socket instanceof Socket)) throw new Error('no socket came');
      socket.allowHalfOpen = true;
      socket.on('error', () => {});
      onMade(socket);
      return socket;
    },
    isThere: () => isNamespace(namespacePath(place), identity),
    close: () => holder.close(),
  };
}

function isNamespace(path: string, identity: string): boolean {
  try {
    return fileIdentity(path) === identity;
  } catch {
    return false;
  }
}

const RESOLV_CONF = '/etc/resolv.conf';

/** `ip netns exec` binds one over that of this machine (ip-netns(8)); a container has its own file system. */
function resolvConfOf(place: NamespacePlace): string | undefined {
  if (place.kind === 'name') {
    const own = `/etc/netns/${place.name}/resolv.conf`;
    return existsSync(own) ? own : undefined;
  }
  const own = `/proc/${place.pid}/root${RESOLV_CONF}`;
  try {
    return fileIdentity(own) === fileIdentity(RESOLV_CONF) ? undefined : own;
  } catch {
    return existsSync(own) ? own : undefined;
  }
}
