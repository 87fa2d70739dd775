import { messageOf, TshuttleError } from '../../core/errors.ts';
import { readRegularFile } from '../../core/files/regular-file.ts';
import { parseCertificate } from '../keys/certificate.ts';
import { parsePublicKeyLine, samePublicKey } from '../keys/public-key.ts';
import type { PresentedHostKey } from './presented-host-key.ts';
import { isRevocationList, isRevokedBy } from './revocation-list.ts';

const FILE_LIMIT_BYTES = 32 * 1_048_576;

/**
 * Looks for a key in the files of RevokedHostKeys: revocation lists (`ssh-keygen -k`), or public keys one a line.
 *
 * @returns the file that revokes the key, its certificate or the certificate's authority
 * @throws TshuttleError ERR_HOST_KEY when a file cannot be read or understood: ssh refuses every host then; the signal's reason
 */
export async function findRevocation(
  files: readonly string[],
  shown: PresentedHostKey,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const file of files) {
    try {
      const data = readRegularFile(file, FILE_LIMIT_BYTES);
      const revoked = isRevocationList(data)
        ? await isRevokedBy(file, shown, signal)
        : isListed(data.toString('utf8'), shown);
      if (revoked) return file;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TshuttleError && error.code === 'ERR_HOST_KEY') throw error;
      throw new TshuttleError(
        'ERR_HOST_KEY',
        `cannot read the revoked host keys (RevokedHostKeys) in ${file}: ${messageOf(error)}`,
        { remedy: `make ${file} readable and correct, or set -o RevokedHostKeys=none`, cause: error },
      );
    }
  }
  return undefined;
}

/** A line with a certificate revokes the key in it (authfile.c, sshkey_in_file). */
function isListed(text: string, { key, certificate }: PresentedHostKey): boolean {
  for (const [index, line] of text.split('\n').entries()) {
    if (/^[ \t]*(?:#|\r?$)/.test(line)) continue;
    const listed = parsePublicKeyLine(line);
    if (listed === undefined) throw new Error(`line ${index + 1} is not a public key`);
    const revoked = parseCertificate(listed.blob)?.certifiedKey ?? listed;
    if (samePublicKey(revoked, key)) return true;
    if (certificate !== undefined && samePublicKey(revoked, certificate.authorityKey)) return true;
  }
  return false;
}
