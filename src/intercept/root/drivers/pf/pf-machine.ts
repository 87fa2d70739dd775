import { isOwnAddress, ownAndBroadcastAddresses } from '../../../../net/machine/local-addresses.ts';
import { findTool } from '../../../../net/machine/root-tools.ts';
import { openPfDevice, type PfDevice } from '../../../../net/native/pf/pf-device.ts';
import type { PfPlatform } from '../../../rules/pf/pf-anchor.ts';
import { log } from '../../helper-log.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { runTool, type ToolResult } from '../backend/run-tool.ts';

/** What the executor of pf needs of a machine; tests put their own here. */
export interface PfMachine {
  readonly platform: PfPlatform;
  /** Root's folder for what has to be known after a crash. Emptied by the system when it starts, as pf's rules are. */
  readonly stateFolder: string;
  /** Where a file of a zone's name has the system ask others about it; undefined where it does not. */
  readonly resolverFolder: string | undefined;
  /** Runs pfctl(8). Never rejects. */
  readonly pfctl: (argv: readonly string[], input?: string) => Promise<ToolResult>;
  /** Runs ifconfig(8). Never rejects. */
  readonly ifconfig: (argv: readonly string[]) => Promise<ToolResult>;
  /** @throws Error where there is no /dev/pf, or no native library */
  readonly openDevice: () => PfDevice;
  readonly isOwnAddress: (address: string) => boolean;
  /** Of this machine, and those by which all others of its networks are reached. */
  readonly ownAddresses: () => readonly string[];
  /** Tells the client's log. */
  readonly warn: (message: string) => void;
}

const STATE_FOLDER = '/var/run/tshuttle';
const RESOLVER_FOLDER = '/etc/resolver';

/** This machine. @returns the name of the tool that it lacks, or of the system, where it is none that has our pf */
export function thisPfMachine(): PfMachine | { readonly missing: string } {
  const { platform } = process;
  if (platform !== 'darwin' && platform !== 'freebsd') return { missing: 'pf of macOS or FreeBSD' };
  const [pfctl, ifconfig] = [findTool('pfctl'), findTool('ifconfig')];
  if (pfctl === undefined) return { missing: 'pfctl' };
  if (ifconfig === undefined) return { missing: 'ifconfig' };
  return {
    platform,
    stateFolder: STATE_FOLDER,
    resolverFolder: platform === 'darwin' ? RESOLVER_FOLDER : undefined,
    pfctl: async (argv, input) => withoutNoise(await runTool(pfctl, argv, input)),
    ifconfig: (argv) => runTool(ifconfig, argv),
    openDevice: openPfDevice,
    isOwnAddress,
    ownAddresses: ownAndBroadcastAddresses,
    warn: (message) => log('warn', message),
  };
}

/** What pfctl says each time, on macOS before every reason. */
const NOISE =
  /(?:^|\| )(?:No ALTQ support in kernel|ALTQ related functions disabled|pfctl: Use of -f option, could result in flushing of rules|present in the main ruleset added by the system at startup\.|See \/etc\/pf\.conf for further details\.)(?= \||$)/g;

function withoutNoise(result: ToolResult): ToolResult {
  if (result.kind === 'done') return result;
  const reason = result.reason.replaceAll(NOISE, '').replace(/^[\s|]+/, '');
  return { kind: 'refused', reason: reason === '' ? result.reason : reason };
}

/** Runs pfctl(8) and gives what it prints. @throws RefusedError with its reason */
export async function mustPfctl(
  machine: Pick<PfMachine, 'pfctl'>,
  argv: readonly string[],
  input?: string,
): Promise<string> {
  const result = await machine.pfctl(argv, input);
  if (result.kind === 'refused') throw new RefusedError(result.reason);
  return result.output;
}

/** How versions of pfctl say that there is no anchor of a name. */
export const NO_SUCH_ANCHOR = /DIOCGETRULES: Invalid argument|anchor (?:'.*' )?(?:not found|does not exist)/i;
