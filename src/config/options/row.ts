import type { ValueType } from './value-types.ts';

/** A part of the configuration that several options make together. */
export type ConfigPart = 'transport' | 'subnets' | 'dns' | 'openstack' | 'proxies' | 'mode';

/** A key of a profile. */
interface ProfileKey {
  readonly key: string;
  /** For editors: what it is for. */
  readonly description: string;
  /** For editors: what an item of a list is. */
  readonly item?: string;
}

interface Described {
  /** As a command line has them, the short one first: `-r, --remote`; or `SUBNET`, what stands there without one. */
  readonly flags: string;
  /** What --help says of it. */
  readonly help: string;
  /** Left out: it may not be in a profile. */
  readonly profile?: ProfileKey;
  /** Left out: the value stands in the configuration under the key of its row. */
  readonly partOf?: ConfigPart;
  /** What a reload does where a profile has another value now. Left out: it says that this needs a restart. */
  readonly reload?: 'at once' | 'ignored';
  /** The option without which this one would do nothing, by its long flag. */
  readonly needs?: string;
}

/** What is written behind the option. */
interface WithValue {
  /** What --help calls it; a shell completes by that name: `FILE`. */
  readonly value: string;
}

interface OfType extends WithValue {
  readonly type: ValueType;
  /** `-` is standard input, which only one option of a command line can have, and no profile. */
  readonly mayBeInput?: true;
}

/** All that is declared of an option of a tunnel. */
export type OptionRow = Described &
  (
    | {
        readonly kind: 'flag';
        /** Giving the flag turns it round. */
        readonly otherwise: boolean;
      }
    /** How often a flag is given. */
    | { readonly kind: 'count'; readonly most: number }
    | (WithValue & {
        readonly kind: 'number';
        readonly least: number;
        readonly most: number;
        readonly otherwise: number;
      })
    | (WithValue & {
        readonly kind: 'choice';
        readonly choices: readonly [string, ...string[]];
        readonly otherwise?: string;
      })
    | (OfType & {
        readonly kind: 'text';
        readonly otherwise?: string;
        /** Says what to give, where it has to be given. */
        readonly required?: string;
      })
    /** Several with commas between them, which are a list in a profile. */
    | (OfType & { readonly kind: 'commas'; readonly otherwise?: string })
    /** The value may be left out. */
    | (OfType & { readonly kind: 'optional' })
    /** Repeatable. */
    | (OfType & { readonly kind: 'list' })
  );
