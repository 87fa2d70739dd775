import { createHash, timingSafeEqual } from 'node:crypto';

/** The credentials that a client of a proxy must show. Never logged. */
export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** Whether a client may use the proxy; where nothing is wanted, everybody may. Takes as long for every wrong guess. */
export function mayUse(wanted: ProxyCredentials | undefined, shown: ProxyCredentials | undefined): boolean {
  if (wanted === undefined) return true;
  return shown !== undefined && timingSafeEqual(digest(wanted), digest(shown));
}

function digest({ user, password }: ProxyCredentials): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([user, password]))
    .digest();
}
