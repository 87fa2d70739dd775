import type { RawDns } from './dns.ts';
import type { PlaceOf } from './place.ts';
import type { ReadTextFile } from './text-file.ts';

/** A tunnel as text, before anything is checked: what commander makes of a command line, and what a profile says. */
export interface RawOptions extends RawDns {
  readonly subnets: readonly string[];
  readonly remote?: string | undefined;
  readonly subnetFiles: readonly string[];
  readonly excludes: readonly string[];
  readonly excludeFiles: readonly string[];
  readonly identityFiles: readonly string[];
  readonly sshOptions: readonly string[];
  readonly sshConfigFile?: string | undefined;
  readonly jump?: string | undefined;
  readonly upstreamProxy?: string | undefined;
  readonly transport?: string | undefined;
  readonly controlPath?: string | undefined;
  readonly opensshCarry?: string | undefined;
  readonly listen?: string | undefined;
  readonly method?: string | undefined;
  readonly socks?: readonly string[] | undefined;
  readonly httpProxies?: readonly string[] | undefined;
  readonly proxyLoginFile?: string | undefined;
  /** True without a name. */
  readonly openstack?: string | true | undefined;
  readonly openstackCatalog?: string | true | undefined;
  readonly openstackInterface?: string | undefined;
  readonly openstackRegion?: string | undefined;
  readonly metrics?: string | undefined;
  readonly ipv6: boolean;
  readonly mayOpenSession: boolean;
  readonly connections?: string | undefined;
  readonly onDown?: string | undefined;
  readonly holdSeconds?: string | undefined;
  readonly daemon: boolean;
  readonly pidFile?: string | undefined;
  readonly dryRun: boolean;
  readonly logFormat?: string | undefined;
  readonly verbosity: number;
}

/** What `parseConfig` needs to know of the machine. */
export interface ConfigSurroundings {
  readonly readTextFile: ReadTextFile;
  /** Says why a file cannot be read, or undefined when it can. */
  readonly whyUnreadable: (path: string) => string | undefined;
  /** For `~/` in arguments that no shell has expanded. */
  readonly homeDirectory: string;
  readonly workingDirectory: string;
  /** Where the options stand: on a command line, where nothing else is said. */
  readonly placeOf?: PlaceOf;
  /** Only the way to the bastion is asked for, so that there need be nothing to capture. */
  readonly mayCaptureNothing?: boolean;
}
