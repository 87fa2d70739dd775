// The guardian, over the pf of a folder. It writes down how long it waits, and that it undoes something: its own steps, which a busy
// machine makes no more of.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pfDriver } from '../../../../src/intercept/root/drivers/pf/pf-driver.ts';
import { watchHelper } from '../../../../src/intercept/root/guardian/watch-helper.ts';
import { fakeMachineWithPrograms } from '../../../support/pf/fake-machine.ts';
import { FakePf } from '../../../support/pf/fake-pf.ts';

export const watch = (folder) => {
  const note = (step) => appendFileSync(join(folder, 'guardian-steps'), `${step}\n`);
  const driver = pfDriver(() => fakeMachineWithPrograms(new FakePf(folder)));
  const findTunnels = () => {
    note('cleans up');
    return driver.findTunnels();
  };
  watchHelper([{ ...driver, findTunnels }], (ms) => {
    note(`waits ${ms} ms`);
    return delay(ms);
  });
};
