import type { FlowPrograms } from '../../../../app/running-tunnels/flow-programs.ts';
import type { ConnectionOwner } from '../../../../net/machine/connection-owners/connection-owners.ts';
import type { FlowProgram, TopDocument } from './top-document.ts';

/**
 * The document with the programs of its flows, of those that move most.
 *
 * @param programs undefined where the system does not tell them
 * @param rounds as of {@link FlowPrograms.look}
 */
export async function withPrograms(
  document: TopDocument,
  programs: Pick<FlowPrograms, 'look' | 'ownerOf'> | undefined,
  rounds = 1,
): Promise<TopDocument> {
  if (programs === undefined) return document;
  await programs.look(document.flows, rounds);
  const flows = document.flows.map((flow) => ({ ...flow, program: programOf(programs.ownerOf(flow)) }));
  return { ...document, flows };
}

function programOf(owner: ConnectionOwner | undefined): FlowProgram | null {
  return owner?.kind === 'program' ? { name: owner.name, pid: owner.pid } : null;
}
