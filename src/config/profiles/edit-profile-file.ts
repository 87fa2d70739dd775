import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Document, isMap, parseDocument } from 'yaml';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { replaceFile } from '../../core/files/regular-file.ts';
import type { Problem } from '../../core/problem.ts';
import { takeFile } from '../../net/machine/locked-file.ts';
import type { WrittenFile } from './file-form.ts';
import type { GATE_SECTIONS } from './gate-form.ts';
import { parseProfileDocument, saysNothing } from './profile-document.ts';
import { readTrustedFile } from './trusted-file.ts';

/** A part of a file that commands change. */
type Section = 'profiles' | keyof typeof GATE_SECTIONS;

/** One change of a file: an entry is given its keys, or goes. */
export interface FileChange {
  readonly section: Section;
  readonly name: string;
  /** Undefined removes the entry; a key that is undefined goes, and those that are left out stay as they are. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
}

/** What came of a change. */
export type FileEdit =
  | { readonly kind: 'changed' }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** How long another command may have the file. */
const LOCK_MS = 5_000;
const LOCK_EVERY_MS = 20;

/**
 * Changes the user's own file, and keeps all else of it: comments, order, what other sections say. It is there as a whole or as it
 * was, and of two commands at once the second sees what the first has written.
 *
 * @param decide looks at what the file says, and says what to change or what is wrong
 * @throws TshuttleError ERR_CONFIG when it cannot be written, or another command keeps it
 */
export async function editProfileFile(
  file: string,
  decide: (written: WrittenFile | undefined) => FileChange | readonly Problem[],
): Promise<FileEdit> {
  return await alone(file, () => edit(file, decide));
}

/**
 * Puts a text in the place of the user's own file, whose form has been checked.
 *
 * @param before what it said when the user began; undefined: it was not there
 * @returns that it says something else by now, and stays
 * @throws TshuttleError ERR_CONFIG when it cannot be written, or another command keeps it
 */
export async function replaceProfileFile(
  file: string,
  before: string | undefined,
  text: string,
): Promise<readonly Problem[]> {
  return await alone(file, () => {
    const read = readTrustedFile(file);
    const now = read.kind === 'text' ? read.text : undefined;
    if (read.kind === 'unreadable' || now !== before)
      return [{ where: file, what: 'was changed by somebody else meanwhile; look at it, and edit again' }];
    replaceFile(file, text, { mode: modeOf(file), flush: true });
    return [];
  });
}

function edit(
  file: string,
  decide: (written: WrittenFile | undefined) => FileChange | readonly Problem[],
): FileEdit {
  const read = readTrustedFile(file);
  if (read.kind === 'unreadable') return { kind: 'problems', problems: [{ where: file, what: read.what }] };
  const old = read.kind === 'missing' ? undefined : read.text;
  const written = old === undefined || saysNothing(old) ? undefined : parseProfileDocument(file, old);
  if (written?.kind === 'problems') return written;
  const decided = decide(written);
  if ('length' in decided) return { kind: 'problems', problems: decided };
  const text = changed(old ?? '', decided);
  const after = parseProfileDocument(file, text);
  if (after.kind === 'problems') return after;
  replaceFile(file, text, { mode: modeOf(file), flush: true });
  return { kind: 'changed' };
}

/** The text with the change in it. */
function changed(old: string, { section, name, values }: FileChange): string {
  const document: Document = parseDocument(old);
  document.contents ??= document.createNode({});
  if (values === undefined) remove(document, section, name);
  else {
    for (const path of [[section], [section, name]]) {
      if (!isMap(document.getIn(path, true))) document.setIn(path, document.createNode({}));
    }
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) document.deleteIn([section, name, key]);
      else document.setIn([section, name, key], document.createNode(value));
    }
  }
  // Lines of the user's own are not wrapped anew.
  return document.toString({ lineWidth: 0 });
}

function remove(document: Document, section: Section, name: string): void {
  document.deleteIn([section, name]);
  const rest: unknown = document.getIn([section], true);
  if (isMap(rest) && rest.items.length === 0) document.deleteIn([section]);
  // A file says something, or it is none.
  if (isMap(document.contents) && document.contents.items.length === 0)
    document.setIn(['profiles'], document.createNode({}));
}

function modeOf(file: string): number {
  const status = statSync(file, { throwIfNoEntry: false });
  return status === undefined ? 0o600 : status.mode & 0o777;
}

/**
 * Runs a task that changes the file while no other command changes it. What is locked lies beside it: the file itself is another one
 * after each change.
 *
 * @throws TshuttleError ERR_CONFIG when the task fails, or another command keeps it
 */
async function alone<T>(file: string, task: () => T): Promise<T> {
  const lock = join(dirname(file), `.${basename(file)}.lock`);
  try {
    makeFolder(dirname(file));
    const release = await take(file, lock);
    try {
      return task();
    } finally {
      release();
    }
  } catch (error) {
    if (error instanceof TshuttleError) throw error;
    throw new TshuttleError('ERR_CONFIG', `cannot write ${file}: ${messageOf(error)}`, {
      remedy: 'look at who owns the file and its folder, and try again',
      cause: error,
    });
  }
}

async function take(file: string, lock: string): Promise<() => void> {
  for (const deadlineMs = performance.now() + LOCK_MS; performance.now() < deadlineMs; ) {
    const release = takeFile(lock);
    if (release !== undefined) return release;
    await delay(LOCK_EVERY_MS);
  }
  throw new TshuttleError('ERR_CONFIG', `cannot write ${file}: another tshuttle is writing it`, {
    remedy: `try again; one that was stopped while it wrote has ${lock} open, and has to go on or end first`,
  });
}
