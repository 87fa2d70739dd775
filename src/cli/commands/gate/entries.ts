import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { withoutPassword } from '../../../config/parse/remote.ts';
import { editProfileFile, type FileChange } from '../../../config/profiles/edit-profile-file.ts';
import { EMPTY_FILE } from '../../../config/profiles/file-form.ts';
import { GATE_SECTIONS, whyUnfitFor } from '../../../config/profiles/gate-form.ts';
import { PROFILE_NAME } from '../../../config/profiles/profile-form.ts';
import { userProfileFile } from '../../../config/profiles/profile-places.ts';
import type { Problem } from '../../../core/problem.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { loadedGates, unknownEntry } from './load.ts';

/** What kind of entry a command is about. */
export type EntryKind = 'gate' | 'target';

const SECTIONS = { gate: 'gates', target: 'targets' } as const;

/** Values by their keys in config.yaml, as they are to be written. */
type Values = Readonly<Record<string, string | undefined>>;

/**
 * Writes an entry that is new, or changes keys of one that is there.
 *
 * @param flags what the user gave each key by, for what is said of it
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when config.yaml cannot be written
 */
export async function putEntry(
  kind: EntryKind,
  how: 'add' | 'set',
  {
    name,
    values,
    flags,
  }: { readonly name: string; readonly values: Values; readonly flags: Readonly<Record<string, string>> },
  session: CommandSession,
): Promise<number> {
  const section = SECTIONS[kind];
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const problems = given.flatMap(([key, value]): readonly Problem[] => {
    const what = whyUnfitFor(section, key as never, value);
    return what === undefined
      ? []
      : [{ where: `${flags[key] ?? key} ${withoutPassword(value, 'even without a host')}`, what }];
  });
  if (!PROFILE_NAME.test(name))
    problems.unshift({
      where: name,
      what: 'is not a name: letters, digits, dot, dash and underscore, 63 at most',
    });
  if (problems.length > 0) return await session.refuse('ERR_USAGE', problems);
  return await edit(session, (written, file) => {
    const isThere = written[section].has(name);
    if (how === 'add' && isThere) {
      const remedy =
        kind === 'target'
          ? 'change it with tshuttle target set'
          : 'remove it first, with tshuttle gate remove';
      return [{ where: name, what: `is already a ${kind}; ${remedy}` }];
    }
    if (how === 'set' && !isThere) return [unknownEntry(kind, name, written[section], file)];
    return { section, name, values: Object.fromEntries(given) };
  });
}

/**
 * Removes an entry; a gate that targets are behind stays.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when config.yaml cannot be written
 */
export async function removeEntry(kind: EntryKind, name: string, session: CommandSession): Promise<number> {
  const section = SECTIONS[kind];
  return await edit(session, (written, file) => {
    if (!written[section].has(name)) return [unknownEntry(kind, name, written[section], file)];
    const behind = [...written.targets].filter(([, { gate }]) => kind === 'gate' && gate === name);
    if (behind.length === 0) return { section, name, values: undefined };
    const names = behind.map(([target]) => target).join(', ');
    return [
      {
        where: name,
        what: `is the gate of ${names}; remove ${behind.length === 1 ? 'it' : 'them'} first, with tshuttle target remove`,
      },
    ];
  });
}

async function edit(
  { process: context, refuse }: CommandSession,
  decide: (written: typeof EMPTY_FILE, file: string) => FileChange | readonly Problem[],
): Promise<number> {
  const file = userProfileFile(profileSurroundingsOf(context.environment));
  const result = await editProfileFile(file, (written) => decide(written ?? EMPTY_FILE, file));
  return result.kind === 'problems' ? await refuse('ERR_CONFIG', result.problems) : 0;
}

/**
 * Lists the entries of a kind, by their names.
 *
 * @returns the exit code
 */
export async function listEntries(
  kind: EntryKind,
  asJson: boolean,
  session: CommandSession,
): Promise<number> {
  const written = await writtenEntries(kind, session);
  if (typeof written === 'number') return written;
  const { entries } = written;
  if (asJson) {
    session.print(`${JSON.stringify([...entries].map(([name, values]) => ({ name, ...values })))}\n`);
    return 0;
  }
  if (entries.size === 0) {
    session.print(`there are no ${SECTIONS[kind]}\n`);
    return 0;
  }
  const { columnsOf } = await import('../../rendering/fit-lines.ts');
  const { renderTable } = await import('../../rendering/table.ts');
  const keys = Object.keys(GATE_SECTIONS[SECTIONS[kind]]).filter((key) =>
    [...entries.values()].some((values) => values[key] !== undefined),
  );
  const rows = [...entries].map(([name, values]) => [name, ...keys.map((key) => values[key] ?? '-')]);
  const head = ['NAME', ...keys.map((key) => key.replaceAll('_', ' ').toUpperCase())];
  session.print(renderTable(head, rows, columnsOf(process.stdout)));
  return 0;
}

/**
 * Shows one entry, a line for each of its keys.
 *
 * @returns the exit code
 */
export async function showEntry(
  kind: EntryKind,
  name: string,
  asJson: boolean,
  session: CommandSession,
): Promise<number> {
  const written = await writtenEntries(kind, session);
  if (typeof written === 'number') return written;
  const values = written.entries.get(name);
  if (values === undefined)
    return await session.refuse('ERR_CONFIG', [unknownEntry(kind, name, written.entries, written.file)]);
  if (asJson) session.print(`${JSON.stringify({ name, ...values })}\n`);
  else for (const [key, value] of Object.entries({ name, ...values })) session.print(`${key}: ${value}\n`);
  return 0;
}

async function writtenEntries(
  kind: EntryKind,
  session: CommandSession,
): Promise<{ readonly file: string; readonly entries: ReadonlyMap<string, Values> } | number> {
  const loaded = await loadedGates(session);
  if (typeof loaded === 'number') return loaded;
  return { file: loaded.file, entries: loaded.written[SECTIONS[kind]] as ReadonlyMap<string, Values> };
}
