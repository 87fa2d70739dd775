import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labName, removeLabsOfDeadProcesses, removeNamespaceNow } from './leftovers.ts';
import { layOutMachine, type Machine } from './machine.ts';
import { Namespace } from './namespace.ts';

/**
 * What a lab is built on: a folder, a machine's files, and namespaces that have them. Tests and bench build theirs on it
 * (`lab.ts`, `bench/lab/bench-lab.ts`), so nothing in this folder knows of either.
 */
export interface LabSite<Roles extends readonly string[]> extends AsyncDisposable {
  /** Temporary; gone with the site. Readable by every user. */
  readonly directory: string;
  readonly machine: Machine;
  /** One for each role, in their order. */
  readonly namespaces: { readonly [Index in keyof Roles]: Namespace };
}

let siteCount = 0;

/**
 * Opens a site, and removes what the labs of killed test processes have left. Disposing of it ends every process in its
 * namespaces and removes all it made; so does the end of the test process, as far as that still runs code.
 */
export async function openLabSite<const Roles extends readonly string[]>(
  roles: Roles,
): Promise<LabSite<Roles>> {
  removeLabsOfDeadProcesses();

  siteCount += 1;
  const prefix = labName(siteCount);
  const names = roles.map((role) => `${prefix}-${role}`);
  const directory = mkdtempSync(join(tmpdir(), `${prefix}-`));
  chmodSync(directory, 0o755);
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true });
  const removeAtExit = () => {
    names.forEach(removeNamespaceNow);
    removeDirectory();
  };
  process.once('exit', removeAtExit);

  let added: readonly Namespace[] = [];
  const dispose = async () => {
    await Promise.all(added.map((namespace) => namespace.remove()));
    removeDirectory();
    process.off('exit', removeAtExit);
  };
  try {
    const machine = await layOutMachine(directory, names);
    added = await Namespace.add(names, machine);
    // One for each name, which is one for each role.
    const namespaces = added as LabSite<Roles>['namespaces'];
    return { directory, machine, namespaces, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
