import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesOfSetup, problemsOfSetup } from '../../../../bastion/plan-setup.ts';
import { parseAuthorizedKeys } from '../../../../bastion/public-keys.ts';
import type { Allowed, BastionSetup } from '../../../../bastion/setup.ts';
import { absolutePaths } from '../../../../config/parse/files/named-files.ts';
import { readTextFile } from '../../../../config/parse/files/text-file.ts';
import { Invalid } from '../../../../config/parse/invalid.ts';
import { parseSubnet } from '../../../../config/parse/networks/subnet.ts';
import { homeFolder } from '../../../../core/accounts.ts';
import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import { replaceFile } from '../../../../core/files/regular-file.ts';
import { START_FOLDER } from '../../../../core/files/start-folder.ts';
import type { Problem } from '../../../../core/problem.ts';
import type { CommandSession } from '../../../command/command-definition.ts';

/** What `tshuttle bastion init` is asked for: as a {@link BastionSetup}, but nothing is read yet. */
export interface BastionInitInput
  extends Pick<BastionSetup, 'kind' | 'user' | 'hasSecondFactor' | 'hasFail2ban' | 'hasAuditLog'> {
  readonly keyFiles: readonly string[];
  readonly authorityFiles: readonly string[];
  readonly managementKeyFiles: readonly string[];
  readonly allowed: readonly string[];
  /** The folder for the files; undefined to print the one that matters. */
  readonly output: string | undefined;
}

/**
 * Prints what makes a bastion, or writes it below a folder. Connects to nobody.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when a file cannot be written
 */
export async function bastionInit(
  input: BastionInitInput,
  { print, refuse }: Pick<CommandSession, 'print' | 'refuse'>,
): Promise<number> {
  const setup = await readSetup(input, refuse);
  if (typeof setup === 'number') return setup;
  const files = filesOfSetup(setup);
  if (input.output === undefined) {
    print(files[0].text);
    return 0;
  }
  for (const { name, mode, text } of files) {
    const path = join(toAbsolute(input.output), name);
    try {
      mkdirSync(toAbsolute(input.output), { recursive: true });
      replaceFile(path, text, { mode });
    } catch (error) {
      throw new TshuttleError('ERR_CONFIG', `cannot write ${path}: ${messageOf(error)}`, {
        remedy: 'name a folder that you may write to by --output',
        cause: error,
      });
    }
    print(`${path}\n`);
  }
  return 0;
}

/** Reads the files of keys, and checks all of it. @returns the exit code when something is wrong, which has been said */
export async function readSetup(
  input: Omit<BastionInitInput, 'output'>,
  refuse: CommandSession['refuse'],
): Promise<BastionSetup | number> {
  const inFiles: Problem[] = [];
  const inWords: Problem[] = [];
  const keys = readKeys('--key', input.keyFiles, inFiles);
  const authorities = readKeys('--ca', input.authorityFiles, inFiles);
  const managementKeys = readKeys('--management-key', input.managementKeyFiles, inFiles);
  const allowed = input.allowed.flatMap((text): readonly Allowed[] => {
    const subnet = parseSubnet(text);
    if (!(subnet instanceof Invalid)) return [subnet];
    inWords.push({ where: `--allow ${text}`, what: subnet.what });
    return [];
  });
  const setup: BastionSetup = { ...input, keys, authorities, managementKeys, allowed };
  if (inFiles.length > 0) return await refuse('ERR_CONFIG', [...inFiles, ...inWords]);
  const problems = [...inWords, ...(inWords.length === 0 ? problemsOfSetup(setup) : [])];
  return problems.length > 0 ? await refuse('ERR_USAGE', problems) : setup;
}

const toAbsolute = absolutePaths({ homeDirectory: homeFolder(), workingDirectory: START_FOLDER });

/** Every key of the files; what is wrong with one is added to the problems. */
function readKeys(option: string, files: readonly string[], problems: Problem[]): readonly string[] {
  const lines = files.flatMap((file): readonly string[] => {
    const read = readTextFile(file === '-' ? file : toAbsolute(file));
    if (read.kind === 'unreadable') {
      problems.push({ where: `${option} ${file}`, what: read.what });
      return [];
    }
    const parsed = parseAuthorizedKeys(read.text);
    if (parsed.kind === 'keys') return parsed.lines;
    const place = parsed.line === undefined ? file : `${file}:${parsed.line}`;
    problems.push({ where: `${option} ${place}`, what: parsed.what });
    return [];
  });
  return [...new Set(lines)];
}
