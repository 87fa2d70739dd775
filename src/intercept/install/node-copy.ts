import { execFileSync } from 'node:child_process';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { whyNotRootsAlone } from '../../net/machine/root-owned.ts';
import { librariesInProgram } from './mach-o.ts';

const REPORT_TIMEOUT_MS = 20_000;

/** The kernel reads no more of a `#!` line on older systems, and takes no space in a path (execve(2)). */
const MAX_INTERPRETER = /^\/\S{1,120}$/;

/** How Node.js comes to run as root: the one that is there, or a copy of it with those of its libraries that need one. */
export type NodePlan =
  | { readonly kind: 'as it is' }
  /** `to` is relative to where the copy goes. */
  | { readonly kind: 'copy'; readonly files: ReadonlyArray<{ readonly from: string; readonly to: string }> };

/**
 * Decides whether others than root could change Node.js or a library that it loads (libnode.so, where it is built so), and what
 * to copy then. A library goes where it is beside Node.js, since that is how it is found (`$ORIGIN/../lib`).
 *
 * @param libraries as {@link librariesOf} tells them
 * @throws TshuttleError ERR_CONFIG when a library has no place of that kind
 */
export function planNode(
  nodePath: string,
  libraries: readonly string[],
  whyNot: (path: string) => string | undefined = whyNotRootsAlone,
): NodePlan {
  const changeable = libraries.filter((path) => whyNot(path) !== undefined);
  const isUsable = whyNot(nodePath) === undefined && MAX_INTERPRETER.test(nodePath);
  if (isUsable && changeable.length === 0) return { kind: 'as it is' };
  const files = changeable.map((from) => {
    const to = join('bin', relative(dirname(nodePath), from));
    if (to.startsWith('..')) throw cannotCopy(nodePath, `it loads ${from}, which is not beside it`);
    return { from, to };
  });
  return { kind: 'copy', files: [{ from: nodePath, to: join('bin', 'node') }, ...files] };
}

/**
 * On a sealed volume, where nobody can change them; since macOS 11 they are not even files, but in the cache of dyld(1), so that nothing
 * can be looked up of them.
 */
const OF_MACOS = /^(?!.*\/\.\.?\/)\/(?:usr\/lib|System\/Library)\//;

/**
 * Sees to it that a Node.js of macOS needs nothing but the system's own libraries, as that of nodejs.org does. Where dyld looks for another
 * one (`@rpath`, `@loader_path`, a folder of Homebrew) somebody else may put one later, so that it is not enough to look at those of now.
 *
 * @param librariesIn the libraries that a program names
 * @throws TshuttleError ERR_CONFIG when it needs others
 */
export function requireSelfContained(
  nodePath: string,
  librariesIn: (path: string) => readonly string[] = librariesInProgram,
): void {
  let libraries: readonly string[];
  try {
    libraries = librariesIn(nodePath);
  } catch (error) {
    throw cannotCopy(nodePath, `what it loads cannot be read: ${messageOf(error)}`, error);
  }
  const other = libraries.find((library) => !OF_MACOS.test(library));
  if (other === undefined) return;
  const whose = libraries.some(
    (library) => library.startsWith('/opt/homebrew/') || library.startsWith('/usr/local/'),
  )
    ? ', as that of Homebrew does'
    : '';
  throw cannotCopy(nodePath, `it loads ${other}, which is no part of macOS${whose}`);
}

/**
 * The shared libraries that a Node.js loads with an empty environment, as under sudo.
 *
 * @throws TshuttleError ERR_CONFIG when it does not start so
 */
export function librariesOf(nodePath: string): readonly string[] {
  const script =
    'process.report.excludeNetwork = true; JSON.stringify(process.report.getReport().sharedObjects)';
  try {
    const output = execFileSync(nodePath, ['-p', script], {
      encoding: 'utf8',
      env: {},
      timeout: REPORT_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const paths = JSON.parse(output) as readonly string[];
    return paths.filter((path) => isAbsolute(path) && path !== nodePath && !isOfMacos(path));
  } catch (error) {
    throw cannotCopy(nodePath, `it does not start with an empty environment: ${lastLineOf(error)}`, error);
  }
}

function isOfMacos(library: string): boolean {
  return process.platform === 'darwin' && OF_MACOS.test(library);
}

/**
 * Sees to it that a copy starts, and loads nothing that others than root could change: a library may be looked for at a place
 * that was built in.
 *
 * @throws TshuttleError ERR_CONFIG when it does
 */
export function checkCopy(copy: string, nodePath: string): void {
  let libraries: readonly string[];
  try {
    libraries = librariesOf(copy);
  } catch (error) {
    throw cannotCopy(nodePath, `its copy does not start: ${lastLineOf(error)}`, error);
  }
  for (const library of libraries) {
    const why = whyNotRootsAlone(library);
    if (why !== undefined) throw cannotCopy(nodePath, `its copy would load ${library}, and ${why}`);
  }
}

function cannotCopy(nodePath: string, why: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_CONFIG', `Node.js (${nodePath}) cannot be granted: ${why}`, {
    remedy: systemWords().grantableNode,
    cause,
  });
}

/** A program that does not start says why on standard error, in its last line. */
function lastLineOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return stderr.split('\n').at(-1) || messageOf(error);
}
