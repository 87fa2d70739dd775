import { messageOf, TshuttleError } from '../../core/errors.ts';
import { readRegularFile } from '../../core/regular-file.ts';
import { type Certificate, parseCertificate } from '../keys/certificate.ts';
import { type PublicKey, parsePublicKeyLine, samePublicKey } from '../keys/public-key.ts';
import { isRevocationList, isRevokedBy, parseRevocationList } from './revocation-list.ts';

const FILE_LIMIT_BYTES = 32 * 1_048_576;

/**
 * Looks for a key in the files of RevokedHostKeys: revocation lists (`ssh-keygen -k`), or public keys one a line.
 *
 * @param key without its certificate
 * @returns the file that revokes the key, its certificate or the certificate's authority
 * @throws TshuttleError ERR_HOST_KEY when a file cannot be read or understood: ssh refuses every host then.
 */
export function findRevocation(
  files: readonly string[],
  key: PublicKey,
  certificate: Certificate | undefined,
): string | undefined {
  for (const file of files) {
    try {
      const data = readRegularFile(file, FILE_LIMIT_BYTES);
      const revoked = isRevocationList(data)
        ? isRevokedBy(parseRevocationList(data), key, certificate)
        : isListed(data.toString('utf8'), key, certificate);
      if (revoked) return file;
    } catch (error) {
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
function isListed(text: string, key: PublicKey, certificate: Certificate | undefined): boolean {
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
