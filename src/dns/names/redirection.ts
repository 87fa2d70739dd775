import type { ResolverFileRequest } from '../system/resolver-files.ts';

/** What of DNS has to lead to us while it is captured. */
export interface DnsRedirection {
  readonly redirects: ReadonlyArray<{ readonly nameserver: string; readonly port: number }>;
  /** Source ports of our own queries: these pass. */
  readonly exemptPorts: readonly number[];
  /** For a system that is told by files whom to ask for names of a zone. */
  readonly resolverFiles: ResolverFileRequest | undefined;
}
