import { listProjectServers } from '../../../../app/openstack/project-servers.ts';
import { whyUnfitFor } from '../../../../config/profiles/gate-form.ts';
import { type HostBehind, renderHostBlocks } from '../../../../config/targets/host-blocks.ts';
import type { Problem } from '../../../../core/problem.ts';
import { addressOf, networksWith } from '../../../../openstack/nova/server-list.ts';
import type { CommandSession } from '../../../command/command-definition.ts';
import { checkedIdentity } from '../../gate/identity.ts';
import { loadedGates, wayInOf } from '../../gate/load.ts';
import { putOut } from '../../target/host-blocks-output.ts';

/** What `tshuttle openstack ssh-config` is asked for. */
export interface OpenstackSshConfigInput {
  /** Undefined: the one that OS_CLOUD, the files or OS_* mean. */
  readonly cloud: string | undefined;
  readonly gate: string;
  readonly user: string | undefined;
  readonly network: string | undefined;
  readonly identity: string | undefined;
  readonly write: string | undefined;
}

/**
 * Prints a Host block for each server of a project, through a gate; changes nothing in the cloud.
 *
 * @returns the exit code
 * @throws TshuttleError as `listProjectServers` and `putOut`
 */
export async function openstackSshConfig(
  { cloud: asked, gate: word, user, network, identity: written, write }: OpenstackSshConfigInput,
  session: CommandSession,
): Promise<number> {
  const { process: context, refuse } = session;
  const loaded = await loadedGates(session);
  if (typeof loaded === 'number') return loaded;
  const gate = wayInOf(word, loaded);
  const identity = checkedIdentity('-i', written);
  const whyUser = user === undefined ? undefined : whyUnfitFor('targets', 'user', user);
  const problems: readonly Problem[] = [
    ...('where' in gate ? [gate] : []),
    ...(whyUser === undefined ? [] : [{ where: `--user ${user}`, what: whyUser }]),
    ...identity.problems,
  ];
  if ('where' in gate || problems.length > 0) return await refuse('ERR_USAGE', problems);
  const listed = await listProjectServers(asked, context.environment, context.stop.signal);
  if (listed.kind === 'problems') return await refuse('ERR_CONFIG', listed.problems);
  const { cloud, servers } = listed;
  const networks = new Set(servers.flatMap((server) => [...server.networks.keys()]));
  if (network !== undefined && !networks.has(network)) {
    const there =
      networks.size === 0
        ? 'no server has a network'
        : `the servers are on ${[...networks].sort().join(', ')}`;
    return await refuse('ERR_USAGE', [{ where: `--network ${network}`, what: `has no server; ${there}` }]);
  }
  const preferred = networksWith(gate.host, servers);
  const hosts = servers.flatMap((server): readonly HostBehind[] => {
    const address = addressOf(server, { network, preferred });
    return address === undefined
      ? []
      : [{ id: server.id, names: [server.name], address, user, identity: identity.path, gate }];
  });
  const reachable = new Set(hosts.map(({ id }) => id));
  const missing = servers.filter(({ id }) => !reachable.has(id)).map(({ id }) => id);
  const where = network === undefined ? 'no address' : `no address on ${network}`;
  const header = [
    `the servers of the cloud ${cloud.name} through the gate ${word}: tshuttle openstack ssh-config`,
    ...missing.sort().map((id) => `${id} is left out: it has ${where}`),
  ];
  putOut(renderHostBlocks(hosts, header), write, session);
  return 0;
}
