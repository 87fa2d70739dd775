import { stat } from 'node:fs/promises';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { isOpenTo } from '../../core/files/file-owner.ts';
import { readRegularFile } from '../../core/files/regular-file.ts';
import type { Prompter } from '../prompter.ts';
import type { IdentityFile } from '../ssh-target.ts';
import {
  decryptPrivateKey,
  outlinePrivateKey,
  type PrivateKey,
  type PrivateKeyOutline,
} from './private-key.ts';
import { type PublicKey, parsePublicKeyLine, samePublicKey } from './public-key.ts';
import { describeKeyFrom, KeyUnavailableError, type SigningKey } from './signing-key.ts';

const PASSPHRASE_TRIES = 3;
const FILE_LIMIT_BYTES = 1_048_576;

/** An identity file as far as it can be read without a passphrase. */
export interface Identity {
  readonly file: IdentityFile;
  /** From OpenSSH's own format, else from `FILE.pub`, else from an unencrypted PEM; unknown for an encrypted PEM. */
  readonly publicKey: PublicKey | undefined;
  /** undefined when only the public half is there: the private one is in the agent. */
  readonly privateText: string | undefined;
  readonly encryption: PrivateKeyOutline['encryption'];
}

/**
 * Reads an identity file and the `.pub` beside it.
 *
 * @returns undefined when there is neither
 * @throws KeyUnavailableError when it is there and cannot be used.
 */
export async function readIdentity(file: IdentityFile): Promise<Identity | undefined> {
  const text = readText(file.path);
  const publicText =
    text === undefined || parsePublicKeyLine(text) === undefined ? readText(`${file.path}.pub`) : text;
  const filedPublicKey = publicText === undefined ? undefined : parsePublicKeyLine(publicText);
  if (text === undefined || publicText === text) {
    if (filedPublicKey === undefined) return undefined;
    return { file, publicKey: filedPublicKey, privateText: undefined, encryption: 'none' };
  }
  const outline = outlinePrivateKey(text);
  if (outline === undefined)
    throw new KeyUnavailableError(`${file.path} is not a private key in a format we know`);
  await refuseOpenPermissions(file.path);
  const publicKey =
    outline.publicKey ??
    (outline.encryption === 'none' ? decryptPrivateKey(text, undefined).publicKey : filedPublicKey);
  return { file, publicKey, privateText: text, encryption: outline.encryption };
}

/** As ssh(1): a private key of ours that others may read is not used. */
async function refuseOpenPermissions(path: string): Promise<void> {
  const status = await stat(path);
  if (status.uid !== process.getuid?.() || !isOpenTo(status, 0o077)) return;
  const shown = (status.mode & 0o777).toString(8).padStart(4, '0');
  throw new KeyUnavailableError(`${path} is ignored: others may read it (mode ${shown}; chmod 600 it)`);
}

function readText(path: string): string | undefined {
  try {
    return readRegularFile(path, FILE_LIMIT_BYTES).toString('latin1');
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new KeyUnavailableError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * A signing key of an identity file. The passphrase is asked for at the first signature: when the bastion has said that
 * it would take the key.
 *
 * @param decrypted the private half where it had to be decrypted already
 */
export function signingKeyOf(
  identity: Identity,
  publicKey: PublicKey,
  prompter: Prompter,
  decrypted: PrivateKey | undefined,
): SigningKey {
  let unlocked = decrypted === undefined ? undefined : Promise.resolve(decrypted);
  return {
    publicKey,
    description: describeKeyFrom(publicKey, identity.file.path),
    async sign(data, algorithm) {
      unlocked ??= unlockIdentity(identity, prompter);
      const privateKey = await unlocked;
      if (!samePublicKey(privateKey.publicKey, publicKey)) {
        throw new KeyUnavailableError(`${identity.file.path}.pub belongs to another private key`);
      }
      return privateKey.sign(data, algorithm);
    },
  };
}

/**
 * Decrypts an identity file, asking for the passphrase where there is one.
 *
 * @throws KeyUnavailableError when nobody can be asked, or no answer was right.
 */
export async function unlockIdentity(identity: Identity, prompter: Prompter): Promise<PrivateKey> {
  const { path } = identity.file;
  if (identity.privateText === undefined) throw new KeyUnavailableError(`${path} has only the public half`);
  if (identity.encryption === 'none') return decryptPrivateKey(identity.privateText, undefined);
  if (!prompter.available) {
    throw new KeyUnavailableError(`${path} has a passphrase, and there is no terminal to ask for it`, {
      remedy: `load the key with ssh-add ${path}, or run it once on a terminal, where it can ask`,
    });
  }
  for (let attempt = 1; attempt <= PASSPHRASE_TRIES; attempt += 1) {
    const passphrase = await prompter.ask(`Enter passphrase for key '${path}': `, { echo: false });
    if (passphrase === undefined || passphrase === '')
      throw new KeyUnavailableError(`no passphrase was given for ${path}`);
    try {
      return decryptPrivateKey(identity.privateText, passphrase);
    } catch (error) {
      if (isBeyondPassphrase(error)) {
        throw new KeyUnavailableError(`cannot decrypt ${path}: ${messageOf(error)}`, { cause: error });
      }
      if (attempt < PASSPHRASE_TRIES) prompter.show('wrong passphrase, please try again');
    }
  }
  throw new KeyUnavailableError(`wrong passphrase for ${path} (${PASSPHRASE_TRIES} tries)`, {
    remedy: `type it again, or load the key with ssh-add ${path}`,
  });
}

/** Whether no passphrase would help (ssh2's and our own words). Whatever else goes wrong may come of a wrong one, which decrypts to noise. */
function isBeyondPassphrase(error: unknown): boolean {
  return /^Unsupported (?:cipher|kdf|OpenSSH)|not supported/.test(messageOf(error));
}
