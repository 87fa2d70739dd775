import { statSync } from 'node:fs';

/** A network namespace that is there already, as a user names it. */
export type NamespacePlace =
  /** One of `ip netns`. */
  | { readonly kind: 'name'; readonly name: string }
  /** That of a process, such as the first one of a container. */
  | { readonly kind: 'process'; readonly pid: number };

/** Where `ip netns` has the names (ip-netns(8)). */
export const NAMED_NAMESPACES = '/run/netns';

/** For people: `the network namespace blue`, `the network namespace of process 4711`. */
export function formatNamespace(place: NamespacePlace): string {
  return `the network namespace ${place.kind === 'name' ? place.name : `of process ${place.pid}`}`;
}

/** The file by which the kernel has it; it may not be there. */
export function namespacePath(place: NamespacePlace): string {
  return place.kind === 'name' ? `${NAMED_NAMESPACES}/${place.name}` : `/proc/${place.pid}/ns/net`;
}

/**
 * Which file a path leads to, as one that stands for a namespace: the same text is the same file.
 *
 * @throws Error of the system: ENOENT where there is none, EACCES where this user may not know
 */
export function fileIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
