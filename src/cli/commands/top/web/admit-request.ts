import { createHash, timingSafeEqual } from 'node:crypto';

/** What of a request decides whether it is answered; each field as it came. */
export interface AskedPage {
  readonly method: string;
  /** `/looks` */
  readonly target: string;
  /** Each Host field. */
  readonly hosts: readonly string[];
  readonly origin: string | undefined;
  /** Sec-Fetch-Site: who has a browser ask. Other clients do not say. */
  readonly site: string | undefined;
  readonly authorization: string | undefined;
}

/** What there is: the page, which tells nothing of tunnels, and what it shows. */
type Resource = 'page' | 'looks';

/** Why a request is not answered. */
export interface Refusal {
  readonly status: 403 | 404 | 405 | 421;
  readonly why: string;
}

const RESOURCES: Readonly<Record<string, Resource>> = { '/': 'page', '/looks': 'looks' };

/** Who may have a browser ask: the page itself, and for the page the user. Another port of this machine is `same-site`, and may be anybody's. */
const SITES: Readonly<Record<Resource, ReadonlySet<string>>> = {
  page: new Set(['none', 'same-origin']),
  looks: new Set(['same-origin']),
};

/**
 * Decides whether a request is answered, and by what. Only the user of this process has the token. A page of another site, which the
 * user's browser may show, has neither it nor our name: a name of its own that it gives this machine's address (DNS rebinding) is refused.
 */
export function admitRequest(
  { method, target, hosts, origin, site, authorization }: AskedPage,
  own: { readonly port: number; readonly token: string },
): Resource | Refusal {
  const [host = ''] = hosts;
  if (hosts.length !== 1 || !namesOf(own.port).includes(host))
    return { status: 421, why: `not for this name; ask for 127.0.0.1:${own.port}` };
  if (origin !== undefined && origin !== `http://${host}`)
    return { status: 403, why: 'not for pages of others' };
  const resource = Object.hasOwn(RESOURCES, target) ? RESOURCES[target] : undefined;
  if (resource === undefined) return { status: 404, why: 'the page is at /' };
  if (site !== undefined && !SITES[resource].has(site)) {
    return { status: 403, why: 'not by a link of another page: paste the address into the address bar' };
  }
  if (method !== 'GET') return { status: 405, why: 'there is nothing here that can be changed' };
  if (resource === 'looks' && !isToken(authorization, own.token))
    return { status: 403, why: 'only with the token in the address that tshuttle top --web has printed' };
  return resource;
}

/** `localhost` for who comes by `ssh -L`. Neither can be made to be another machine. */
function namesOf(port: number): readonly string[] {
  const names = ['127.0.0.1', 'localhost'];
  return names.map((name) => (port === 80 ? name : `${name}:${port}`));
}

/** In a time that does not tell how much of it was right. */
function isToken(authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer ([\w-]{1,128})$/.exec(authorization ?? '') ?? [];
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
