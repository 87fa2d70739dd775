import { type ProcessState, processesOf } from '../measure/processes.ts';
import { MEBIBYTE, type Visit } from './scenario.ts';

/** Keeps the resident memory of the peer's processes: what carries traffic, the helper, the server's side. */
export async function recordMemory(visit: Visit, when: string): Promise<void> {
  const client = await processesOf(visit.lab.client);
  const server = await processesOf(visit.lab.bastion);
  const helpers = client.filter(({ argv }) => visit.peer.isHelper(argv));
  const carriers = client.filter(({ argv }) => !visit.peer.isHelper(argv));
  const record = (who: string, processes: readonly ProcessState[]) => {
    if (processes.length === 0) return;
    const bytes = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
    visit.record({ name: `RSS ${who}, ${when}`, unit: 'MiB', better: 'less' }, [bytes / MEBIBYTE]);
  };
  record('client', carriers);
  record('helper', helpers);
  record('server', server);
}
