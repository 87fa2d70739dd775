import type { IpFamily } from '../../../src/net/address/literal.ts';
import type { AddressTable } from './address-table.ts';

/** The subset of pf.conf(5) that tshuttle renders, and what others' rules need to be told from it. */

export type Direction = 'in' | 'out';
export type Protocol = 'tcp' | 'udp';

/** What a rule says about one end of a connection; absent fields say nothing. */
export interface Ends {
  readonly negated: boolean;
  /** One of these, by name where it is a table of the ruleset. */
  readonly hosts: readonly (AddressTable | { readonly table: string })[] | undefined;
  readonly ports: readonly PortTest[] | undefined;
}

export interface PortTest {
  readonly first: number;
  readonly last: number;
  readonly negated: boolean;
}

/** What both kinds of rules match. */
export interface Match {
  readonly on: { readonly negated: boolean; readonly names: readonly string[] } | undefined;
  readonly family: IpFamily | undefined;
  readonly protocols: readonly Protocol[] | undefined;
  readonly from: Ends;
  readonly to: Ends;
  readonly tag: string | undefined;
  readonly tagged: string | undefined;
}

export interface AnchorCall {
  readonly kind: 'anchor';
  /** `com.apple/*` calls all that are below it, by name. */
  readonly path: string;
}

export interface TranslationRule extends Match {
  readonly kind: 'rdr' | 'nat';
  /** `no rdr`: what matches is not translated. */
  readonly no: boolean;
  /** Not filtered any more. */
  readonly pass: boolean;
  readonly target: { readonly address: bigint; readonly port: number | undefined } | undefined;
}

export interface FilterRule extends Match {
  readonly kind: 'filter';
  readonly action: 'pass' | 'block';
  /** `block return`: the sender is told. */
  readonly returns: boolean;
  readonly direction: Direction | undefined;
  readonly quick: boolean;
  readonly route: { readonly kind: 'route-to' | 'reply-to'; readonly by: string } | undefined;
  readonly user: { readonly negated: boolean; readonly id: number } | undefined;
  readonly group: number | undefined;
  /** `flags S/SA`, for TCP. */
  readonly onlySyn: boolean;
  readonly keepsState: boolean;
}

/** What one text of rules says, the main one's or an anchor's. */
export interface Ruleset {
  readonly skipped: ReadonlySet<string>;
  readonly tables: ReadonlyMap<string, AddressTable>;
  readonly translation: readonly (TranslationRule | (AnchorCall & { readonly of: 'rdr' | 'nat' }))[];
  readonly filter: readonly (FilterRule | AnchorCall)[];
}
