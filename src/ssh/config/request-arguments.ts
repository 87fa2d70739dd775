import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { expandTilde, ownAccount } from '../../core/accounts.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { SshRequest } from './request.ts';

/** The command line behind `ssh`. Whatever the user gave is the value of an option, or stands after `--`. */
export function requestArguments(request: SshRequest): string[] {
  return [
    ...(request.configFile === undefined ? [] : ['-F', request.configFile]),
    // Before -o: ssh refuses it behind a ProxyCommand, which it overrides.
    ...(request.jump === undefined ? [] : ['-J', request.jump]),
    ...request.options.flatMap((option) => ['-o', option]),
    ...(request.port === undefined ? [] : ['-p', String(request.port)]),
    ...(request.user === undefined ? [] : ['-l', request.user]),
    ...request.identityFiles.flatMap((file) => ['-i', file]),
    '--',
    request.host,
  ];
}

/**
 * The `-i` files as ssh takes them: it drops one whose private half is not there, so its `.pub` stands for it.
 *
 * @throws TshuttleError ERR_CONFIG when neither is there.
 */
export async function existingIdentities(files: readonly string[]): Promise<string[]> {
  const existing: string[] = [];
  for (const file of files) {
    if (await isReadable(file)) existing.push(file);
    else if (await isReadable(`${file}.pub`)) existing.push(`${file}.pub`);
    else {
      throw new TshuttleError('ERR_CONFIG', `cannot read the identity file ${file}`, {
        remedy: 'name a private key file of yours with -i',
      });
    }
  }
  return existing;
}

async function isReadable(file: string): Promise<boolean> {
  return await access(expandTilde(file, ownAccount().homeDirectory), constants.R_OK).then(
    () => true,
    () => false,
  );
}
