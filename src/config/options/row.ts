import type { ValueType } from '../parse/value-types.ts';

/** The parts of the configuration that several options make together, and what a reload does with each. */
export const CONFIG_PARTS = {
  remote: 'needs a restart',
  transport: 'needs a restart',
  subnets: 'at once',
  dns: 'at once',
  openstack: 'needs a restart',
  programs: 'needs a restart',
  namespace: 'needs a restart',
  proxies: 'needs a restart',
  forwards: 'at once',
  // What is resolved and what is held depend on them.
  maps: 'needs a restart',
  mode: 'ignored',
} as const;

/** A part of the configuration that several options make together. */
export type ConfigPart = keyof typeof CONFIG_PARTS;

/** A key of a profile. */
interface ProfileKey {
  readonly key: string;
  /** For editors: what it is for. */
  readonly description: string;
}

interface Described {
  /**
   * As a command line has them, the short one first, with what --help calls the value: `-i, --identity <FILE>`. A shell
   * completes by that name. Without a dash it is what stands there by itself.
   */
  readonly flags: string;
  /** What --help says of it. */
  readonly help: string;
  /** Left out: it may not be in a profile. */
  readonly profile?: ProfileKey;
  /** Left out: the value stands in the configuration under the key of its row, and another one needs a restart. */
  readonly partOf?: ConfigPart;
  /** Another value needs a restart, although others of its part hold at once. */
  readonly isKeptByReload?: true;
  /** The option without which this one would do nothing, by its long flag. */
  readonly needs?: string;
}

interface OfType {
  readonly type: ValueType;
  /** `-` is standard input, which only one option of a command line can have, and no profile. */
  readonly mayBeInput?: true;
}

interface ListInProfile {
  /** For editors: what an item of the list in a profile is. */
  readonly item: string;
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
    | { readonly kind: 'number'; readonly least: number; readonly most: number; readonly otherwise: number }
    | {
        readonly kind: 'choice';
        readonly choices: readonly [string, ...string[]];
        readonly otherwise?: string;
      }
    | (OfType & {
        readonly kind: 'text';
        readonly otherwise?: string;
        /** Says what to give, where it has to be given. */
        readonly required?: string;
      })
    /** Several with commas between them, which are a list in a profile. */
    | (OfType & ListInProfile & { readonly kind: 'commas'; readonly otherwise?: string })
    /** Repeatable, but the lists of several sources are not joined: one overrides the other. In a profile one, or a list. */
    | (OfType & ListInProfile & { readonly kind: 'several'; readonly required?: string })
    /** The value may be left out. */
    | (OfType & { readonly kind: 'optional' })
    /** Repeatable. */
    | (OfType & ListInProfile & { readonly kind: 'list' })
  );
