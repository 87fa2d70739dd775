import type { Problem } from '../core/problem.ts';
import type { Cidr } from '../net/address/cidr.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { Zone } from '../net/address/zone.ts';
import type { Listen } from './listen.ts';
import type { ProxyListenOption, ProxyLogin } from './proxy-listen.ts';
import type { Remote } from './remote.ts';
import type { Subnet } from './subnet.ts';
import type { TransportOption } from './transport.ts';
import type { UpstreamProxyOption } from './upstream-proxy.ts';

/** A subnet to capture, or never to capture, and where the user wrote it. */
export interface SubnetRule {
  readonly action: 'include' | 'exclude';
  readonly subnet: Subnet;
  readonly where: string;
}

/** How log lines look; `auto` is text on a terminal and JSON elsewhere. */
export type LogFormat = 'auto' | 'text' | 'json';

/** What tells the kernel to redirect; `auto` takes the first that works. */
export type Method = 'auto' | 'nft' | 'iptables';

/** What becomes of new flows while the bastion is lost; with `exit` the tunnel ends. */
export type OnDown = 'hold' | 'reject' | 'direct' | 'exit';

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
  readonly interface: OpenstackInterface | undefined;
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

/** Which endpoints of services are meant. */
export type OpenstackInterface = 'public' | 'internal' | 'admin';

/** Where a catalog comes from. */
export type OpenstackCatalog =
  /** A token, an application credential or a password of the cloud. */
  | { readonly kind: 'credentials' }
  /** What `openstack catalog list -f json` has printed; `-` is standard input. */
  | { readonly kind: 'file'; readonly path: string }
  /** `openstack catalog list -f json`, run for the user. */
  | { readonly kind: 'command' };

/** Everything the user asked for, checked and frozen. Holds no class instances, so that it can be sent to a child. */
export interface Config {
  readonly remote: Remote;
  /** Files with private keys, as absolute paths. */
  readonly identityFiles: readonly string[];
  /** `Key=Value` or `Key Value`, as ssh -o takes them. */
  readonly sshOptions: readonly string[];
  /** `-F`, as an absolute path or `none`. */
  readonly sshConfigFile: string | undefined;
  /** `-J`, as ssh takes it. */
  readonly jump: string | undefined;
  readonly upstreamProxy: UpstreamProxyOption | undefined;
  readonly transport: TransportOption;
  readonly subnets: readonly SubnetRule[];
  readonly listen: Listen;
  readonly method: Method;
  readonly dns: DnsOption | undefined;
  /** Proxies of ours, beside what is captured or instead of it. */
  readonly proxies: readonly ProxyListenOption[];
  readonly proxyLogin: ProxyLogin | undefined;
  readonly openstack: OpenstackOption | undefined;
  /** Where Prometheus finds the metrics; port 0 is a free one. */
  readonly metrics: { readonly address: string; readonly port: number } | undefined;
  readonly ipv6: boolean;
  /** Whether a session may run `true` on the bastion. */
  readonly mayOpenSession: boolean;
  /** Over how many ssh connections flows are spread, 1 to 16. */
  readonly connections: number;
  /** What becomes of new flows while the bastion is lost. */
  readonly onDown: OnDown;
  /** How long a new flow waits for the bastion, in seconds. */
  readonly holdSeconds: number;
  readonly mode: Mode;
  readonly logFormat: LogFormat;
  /** How often `-v` was given. */
  readonly verbosity: number;
}

/** Whether the kernel is to redirect anything, or there are only proxies. */
export function capturesAnything({ subnets, dns }: Pick<Config, 'subnets' | 'dns'>): boolean {
  return dns !== undefined || subnets.some(({ action }) => action === 'include');
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
