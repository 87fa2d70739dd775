import { lookup } from 'node:dns/promises';

/** The addresses of a host in the order in which they are to be tried; `family` 0 is any. */
export type LookUpHost = (host: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** Asks the resolver of this machine, as other programs do; rejects as `dns.lookup` does. */
export const lookUpHost: LookUpHost = async (host, family) =>
  (await lookup(host, { all: true, family })).map(({ address }) => address);
