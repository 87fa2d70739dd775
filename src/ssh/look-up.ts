import { lookup } from 'node:dns/promises';

/** The addresses of a host in the order in which they are to be tried; `family` 0 is any. */
export type LookUpHost = (host: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** Asks the resolver of this machine, as other programs do; rejects as `dns.lookup` does. */
export const lookUpHost: LookUpHost = async (host, family) =>
  (await lookup(host, { all: true, family })).map(({ address }) => address);

/**
 * Asks once for each host, and goes by that answer from then on: for a tunnel that captures DNS, through which the names
 * of the bastion, jump hosts and proxies must not be asked. Failures are not remembered.
 */
export function rememberLookUps(lookUp: LookUpHost = lookUpHost): LookUpHost {
  const known = new Map<string, readonly string[]>();
  return async (host, family) => {
    const key = `${family} ${host}`;
    const addresses = known.get(key) ?? (await lookUp(host, family));
    known.set(key, addresses);
    return addresses;
  };
}
