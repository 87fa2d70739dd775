import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { readRegularFile } from '../../core/files/regular-file.ts';
import type { AuthenticationPolicy } from '../ssh-target.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { parsePublicKeyLine } from './public-key.ts';

/** Far more than the largest certificate. */
const FILE_LIMIT_BYTES = 65_536;

/** A user certificate in a file. */
export interface CertificateFile {
  readonly path: string;
  readonly certificate: Certificate;
}

/**
 * Reads the certificates that OpenSSH would: of CertificateFile, and beside each identity file `FILE-cert.pub`.
 *
 * @param note told of a named file that is no user certificate, or cannot be read
 */
export function readCertificateFiles(
  policy: Pick<AuthenticationPolicy, 'certificateFiles' | 'identities'>,
  note: (reason: string) => void,
): CertificateFile[] {
  const beside = policy.identities.map(({ path }) => `${path}-cert.pub`);
  const files: CertificateFile[] = [];
  for (const path of new Set([...policy.certificateFiles, ...beside])) {
    const text = readText(path, policy.certificateFiles.includes(path), note);
    if (text === undefined) continue;
    const certificate = certificateOf(text);
    if (certificate?.kind === 'user') files.push({ path, certificate });
    else note(`${path} is not a user certificate`);
  }
  return files;
}

function certificateOf(text: string): Certificate | undefined {
  const key = parsePublicKeyLine(text);
  return key === undefined ? undefined : parseCertificate(key.blob);
}

function readText(path: string, isNamed: boolean, note: (reason: string) => void): string | undefined {
  try {
    return readRegularFile(path, FILE_LIMIT_BYTES).toString('latin1');
  } catch (error) {
    if (isNamed || systemCodeOf(error) !== 'ENOENT')
      note(`cannot read the certificate ${path}: ${messageOf(error)}`);
  }
  return undefined;
}
