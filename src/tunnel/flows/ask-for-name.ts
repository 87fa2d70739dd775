import { TshuttleError } from '../../core/errors.ts';
import type { OpenConnection } from '../../dns/resolver/tcp-resolver.ts';
import type { NameFinding } from '../../dns/zone/known-names.ts';
import type { FlowEnd } from '../../ssh/transport.ts';
import { isConnectFailure, isUnknownName } from './flow-end.ts';

/**
 * What most hosts that are there accept or refuse at once. To one that is not there, nobody connects: the bastion looks the name up
 * first (native-notes/names-at-the-bastion.md).
 */
const PORT = 443;

/** A client waits for the answer; a resolver that does not know a name says so in less. */
const PATIENCE_MS = 1_000;

/** Finds out whether the bastion resolves a name, by having it connect there. */
export async function askForName(name: string, open: OpenConnection): Promise<NameFinding> {
  try {
    const connection = await open({ host: name, port: PORT }, AbortSignal.timeout(PATIENCE_MS));
    connection.on('error', () => {});
    connection.destroy();
    return 'known';
  } catch (error) {
    if (!(error instanceof TshuttleError) || error.code !== 'ERR_CHANNEL_REFUSED') return 'unclear';
    const end = error.cause as FlowEnd;
    if (isUnknownName(end)) return 'missing';
    return isConnectFailure(end) ? 'known' : 'unclear';
  }
}
