import type { RawOptions } from '../options/table.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote } from '../parse/remote.ts';
import { type HostBehind, linesOf } from '../targets/host-blocks.ts';
import { UUID } from '../targets/uuid.ts';
import type { Target } from './load-gates.ts';

/** A target as a Host block has it: filed under its UUID, or under its own name where it is known by another. */
export function hostOfTarget({ name, gate, server, user, identity }: Target): HostBehind {
  const id = UUID.test(server) ? server.toLowerCase() : name;
  return { id, names: [name], address: server, user, identity, gate };
}

/** The target that `-r` means: by its name, or by its UUID where one target alone has that. */
function targetOf(remote: string, targets: ReadonlyMap<string, Target>): Target | undefined {
  const parsed = parseRemote(remote);
  // With a port or a password it is said how to get there.
  if (parsed instanceof Invalid || parsed.port !== undefined || parsed.password !== undefined)
    return undefined;
  const named = targets.get(parsed.host);
  if (named !== undefined) return named;
  const id = parsed.host.toLowerCase();
  const found = [...targets.values()].filter((target) => UUID.test(id) && hostOfTarget(target).id === id);
  return found.length === 1 ? found[0] : undefined;
}

/**
 * The options of a tunnel; where its bastion is a target with what the Host block of that says, behind what the user says by options. For ssh the first value
 * counts, so that `-J`, `-i`, `-o` and a user in `-r` go before those of the target.
 */
export function withTarget(raw: RawOptions, targets: ReadonlyMap<string, Target>): RawOptions {
  // Its options would hold for the others, too.
  const [only, ...others] = raw.remote ?? [];
  const target = only === undefined || others.length > 0 ? undefined : targetOf(only, targets);
  if (only === undefined || target === undefined) return raw;
  const host = hostOfTarget(target);
  const parsed = parseRemote(only);
  const user = parsed instanceof Invalid ? undefined : parsed.user;
  const lines = linesOf(host).filter(
    ({ keyword }) =>
      !['User', 'IdentityFile'].includes(keyword) && !(keyword.startsWith('Proxy') && raw.jump !== undefined),
  );
  return {
    ...raw,
    remote: [`${user ?? target.user}@${host.id}`],
    identityFiles: [...raw.identityFiles, ...(target.identity === undefined ? [] : [target.identity])],
    sshOptions: [...raw.sshOptions, ...lines.map(({ keyword, value }) => `${keyword}=${value}`)],
  };
}
