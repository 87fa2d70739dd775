import type { Problem } from '../core/problem.ts';
import type { Cidr } from '../net/address/cidr.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { Forward } from '../net/address/forward.ts';
import type { NetworkMap } from '../net/address/network-map.ts';
import type { Zone } from '../net/address/zone.ts';
import type { NamespacePlace } from '../net/machine/namespace/namespace-place.ts';
import type { OptionValues, OwnValues, ProxyProtocol } from './options/table.ts';
import type { SubnetRule } from './parse/networks/subnet.ts';
import type { ListenPlace } from './parse/proxy-listen.ts';
import type { Bastions } from './parse/remote.ts';
import type { OpenstackCatalog } from './parse/value-types.ts';
import type { ProgramsOption } from './programs.ts';
import type { TransportOption } from './transport.ts';

/** What the command is to do with the tunnel. */
export type Mode =
  | { readonly kind: 'foreground' }
  | { readonly kind: 'daemon'; readonly pidFile: string | undefined }
  | { readonly kind: 'dry-run' };

/** Whose queries are captured, and who answers them. */
export interface DnsOption {
  /** Literal addresses; `system` is what this machine is configured with when the tunnel opens. */
  readonly nameservers: 'system' | readonly string[];
  /** Resolvers behind the bastion, asked in this order. */
  readonly resolvers: readonly Endpoint[];
  /** Whether they answer for all names (`--dns`), or only for those in the zones. */
  readonly everything: boolean;
  readonly zones: readonly Zone[];
  /** Who resolves the names in the zones: the resolvers as far as they can, or only the bastion, by connecting to the name. */
  readonly resolve: 'auto' | 'bastion';
  /** What addresses that stand for names are taken from. */
  readonly syntheticRanges: { readonly range4: Cidr; readonly range6: Cidr };
  /** `--host`: what is answered here. */
  readonly hosts: ReadonlyArray<{ readonly name: string; readonly address: string }>;
  /** `--auto-hosts`: what the bastion's /etc/hosts says is answered here, too. */
  readonly bastionHosts: boolean;
}

/** A cloud whose APIs are captured. */
export interface OpenstackOption {
  /** Undefined: the one that OS_CLOUD, the files or OS_* mean. */
  readonly cloud: string | undefined;
  /** Undefined: that of the cloud. */
  readonly region: string | undefined;
  /** Undefined: that of the cloud. */
  readonly interface: OptionValues['openstackInterface'];
  /** Who says which endpoints there are; undefined: only the host of auth_url is captured. */
  readonly catalog: OpenstackCatalog | undefined;
  /** Where auth_url leads, and where it stands; left out until the cloud is looked up. */
  readonly authHost?: AuthHost | undefined;
}

/** The host of an auth_url. */
export interface AuthHost {
  readonly host: string;
  readonly port: number;
  /** For people: the file with line and column, or the variable. */
  readonly where: string;
  /** Whether this machine knows it; else only the bastion may. */
  readonly isKnownHere: boolean;
}

/**
 * Everything the user asked for, checked and frozen: the values of the table of options, and what several of them come to
 * together. Holds no class instances, so that it can be sent to a child.
 */
export interface Config extends OwnValues {
  readonly remote: Bastions;
  readonly transport: TransportOption;
  readonly subnets: readonly SubnetRule[];
  readonly dns: DnsOption | undefined;
  readonly openstack: OpenstackOption | undefined;
  /** Undefined: what all programs open is captured. */
  readonly programs: ProgramsOption | undefined;
  /** Undefined: connections of the network namespace that tshuttle runs in are captured. */
  readonly namespace: NamespacePlace | undefined;
  /** Proxies of ours, beside what is captured or instead of it. */
  readonly proxies: ReadonlyArray<ListenPlace & { readonly protocol: ProxyProtocol }>;
  /** One for each place where something listens. */
  readonly forwards: readonly Forward[];
  readonly maps: readonly NetworkMap[];
  readonly mode: Mode;
}

/** Whether the kernel is to redirect anything, or there are only proxies and forwards. */
export function capturesAnything({
  subnets,
  dns,
  autoNets,
}: Pick<Config, 'subnets' | 'dns' | 'autoNets'>): boolean {
  return autoNets || dns !== undefined || subnets.some(({ action }) => action === 'include');
}

/** The configuration with what the user should hear about it, or all that is wrong. */
export type ConfigResult =
  | { readonly kind: 'config'; readonly config: Config; readonly warnings: readonly Problem[] }
  | {
      readonly kind: 'problems';
      readonly problems: readonly Problem[];
      /** `files` when every argument is right and only the files they name are not. */
      readonly blame: 'arguments' | 'files';
    };
