import { expect, test } from 'vitest';
import { FlowPrograms } from '../../../../../src/app/running-tunnels/flow-programs.ts';
import { topDocument } from '../../../../../src/cli/commands/top/document/top-document.ts';
import { withPrograms } from '../../../../../src/cli/commands/top/document/with-programs.ts';
import { reportOf, tunnelsOf, UP } from '../../../../support/in-process/tunnel-reports.ts';

const [VIEW] = tunnelsOf([reportOf('office', UP, '10.0.0.0/8')]).tunnels;
const FLOW = {
  destination: 'db:1',
  address: null,
  ageMs: 1,
  stage: 'open',
  bytesUp: 0,
  bytesDown: 0,
} as const;
const RATES = { upBytesPerSec: 0, downBytesPerSec: 0 };

test('each flow has its program, or null; none where nobody can tell', async () => {
  const flows = [1, 2].map((port) => ({ ...FLOW, ...RATES, originator: `127.0.0.1:${port}` }));
  const document = topDocument(
    { health: 'up', silent: [], down: [] },
    [{ view: VIEW!, flows, endings: [], ...RATES }],
    1,
  );
  const programs = new FlowPrograms({
    look: async (connections) =>
      connections.map(({ local: { port } }) =>
        port === 1 ? { kind: 'program', name: 'psql', pid: 7 } : { kind: 'machine', address: '192.0.2.1' },
      ),
    close: () => {},
  });
  const told = await withPrograms(document, programs);
  expect(told.flows.map(({ program }) => program)).toEqual([{ name: 'psql', pid: 7 }, null]);
  expect(await withPrograms(document, undefined)).toBe(document);
});
