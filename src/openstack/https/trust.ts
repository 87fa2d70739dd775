import { resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expandTilde } from '../../core/accounts.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Cloud } from '../clouds/choose-cloud.ts';
import type { CloudSurroundings } from '../clouds/cloud-files.ts';

/** Which certificate authorities count. */
export interface Trust {
  /** PEM. Undefined: those that come with Node.js. */
  readonly certificates: readonly string[] | undefined;
  /** For people. */
  readonly from: string;
}

/** Where systems keep the authorities that they trust: Debian, Red Hat, macOS and BSD. On Windows every user may make such a folder. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
] as const;

/** What the clients of OpenStack and Python's requests take instead of the system's. */
const VARIABLES = ['OS_CACERT', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE'] as const;

/**
 * Reads what the cloud's clients trust: its `cacert` alone, or a file that a variable names, or else the system's own.
 *
 * @throws TshuttleError ERR_CONFIG when a named file cannot be read
 */
export function readTrust(
  { cacert, name }: Pick<Cloud, 'cacert' | 'name'>,
  surroundings: CloudSurroundings,
): Trust {
  const named: ReadonlyArray<readonly [string, string | undefined]> = [
    [`cacert of the cloud ${name}`, cacert],
    ...VARIABLES.map((variable) => [variable, surroundings.environment[variable]] as const),
  ];
  for (const [from, written] of named) {
    if (written === undefined || written === '') continue;
    return { certificates: [readNamed(from, written, surroundings)], from: written };
  }
  for (const path of surroundings.platform === 'win32' ? [] : SYSTEM_BUNDLES) {
    const file = surroundings.readFile(path);
    if (file.kind === 'text') return { certificates: [...rootCertificates, file.text], from: 'this machine' };
  }
  return { certificates: undefined, from: 'this machine' };
}

function readNamed(from: string, written: string, surroundings: CloudSurroundings): string {
  const { homeDirectory, workingDirectory } = surroundings;
  const path = resolve(workingDirectory, expandTilde(written, homeDirectory));
  const file = surroundings.readFile(path);
  if (file.kind === 'text' && file.text.includes('BEGIN CERTIFICATE')) return file.text;
  const what =
    file.kind === 'absent'
      ? 'is not there'
      : file.kind === 'unreadable'
        ? file.what
        : 'has no certificate in PEM';
  throw new TshuttleError('ERR_CONFIG', `${from}: ${path} ${what}`, {
    remedy: 'name the file with the certificate authority of the cloud',
  });
}
