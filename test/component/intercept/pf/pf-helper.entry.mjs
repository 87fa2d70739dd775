// The root helper, over the pf of a folder: all that is not pf's is the product's.
import { join } from 'node:path';
import { cleanUpDeadInstances } from '../../../../src/intercept/root/cleanup.ts';
import { pfDriver } from '../../../../src/intercept/root/drivers/pf/pf-driver.ts';
import { startGuardian } from '../../../../src/intercept/root/guardian/guardian-process.ts';
import { serveClient } from '../../../../src/intercept/root/serve-client.ts';
import { fakeMachineWithPrograms } from '../../../support/pf/fake-machine.ts';
import { FakePf } from '../../../support/pf/fake-pf.ts';

const folder = process.argv[2];
const driver = pfDriver(() => fakeMachineWithPrograms(new FakePf(folder)));

serveClient({
  probe: async (_method, families) => [await driver.probe('pf', families)],
  cleanup: () => cleanUpDeadInstances([driver]),
  openBackend: () => driver.open('pf'),
  openRoute: () => ({ close: () => {} }),
  forgetQueries: () => {},
  udpPortsInUse: async () => [],
  endStranded: (connections) => connections.map(() => 'told'),
  mustEndWithHelper: async () => false,
  startGuardian: () => startGuardian(join(folder, 'guardian.mjs')),
});
