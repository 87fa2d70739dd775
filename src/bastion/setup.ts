import type { Cidr } from '../net/address/cidr.ts';
import type { PortRange } from '../net/address/port-range.ts';

/** Where tunnels through a bastion may connect to: a network, or a host by the name that clients ask for. */
export type Allowed =
  | { readonly kind: 'network'; readonly cidr: Cidr; readonly ports: PortRange }
  | { readonly kind: 'name'; readonly name: string; readonly ports: PortRange };

/** What a bastion is made of: a machine, a machine that is yet to boot, an image of a container, or a machine whose keys others change. */
export const BASTION_KINDS = ['debian', 'cloud-init', 'container', 'gate'] as const;

/** One of {@link BASTION_KINDS}. */
export type BastionKind = (typeof BASTION_KINDS)[number];

/** What a bastion is to be; every text in it is fit to be written into a file as it is. */
export interface BastionSetup {
  readonly kind: BastionKind;
  /** The account that tunnels log in to, and that can do nothing else: letters, digits, `_` and `-`. */
  readonly user: string;
  /** `type base64 comment`, one a line; as {@link parseAuthorizedKeys} has made them. */
  readonly keys: readonly string[];
  /** Keys of authorities whose certificates let in, in the same form. */
  readonly authorities: readonly string[];
  /** Keys that may change the keys of a gate, in the same form; none of any other kind. */
  readonly managementKeys: readonly string[];
  readonly allowed: readonly Allowed[];
  /** Whether a key is followed by a one-time code. */
  readonly hasSecondFactor: boolean;
  readonly hasFail2ban: boolean;
  /** Whether a line is logged for each destination. */
  readonly hasAuditLog: boolean;
}

/** One file that a bastion is made from. */
export interface SetupFile {
  /** Below the folder of `--output`. */
  readonly name: string;
  readonly mode: number;
  readonly text: string;
}

/** How the lines that every file begins with say where it is from. */
export const WRITTEN_BY = 'Written by tshuttle bastion init; tshuttle help bastion explains it.';

/** The folder of a machine's bastion files that sshd reads; only root can write there, not the account of the tunnels. */
export const KEYS_FOLDER = '/etc/ssh/tshuttle-bastion';
