import type { Logger } from '../../core/log.ts';
import type { SshRequest } from '../../ssh/config/request.ts';
import { resolveTarget } from '../../ssh/config/target.ts';
import type { NamedBastion } from './bastion.ts';

/** What each of several bastions comes to with the ssh configuration, in their order. @throws as `resolveTarget` */
export function resolveBastions(
  requests: readonly SshRequest[],
  context: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<readonly NamedBastion[]> {
  return Promise.all(
    requests.map(async (request) => ({ request, target: await resolveTarget(request, context) })),
  );
}

/** Tells the tunnels of a machine apart: by the first of their bastions. */
export function tunnelKey([first]: readonly NamedBastion[]): string {
  const { user, requestedHost, port } = first!.target;
  return `${user}@${requestedHost}:${port}`;
}
