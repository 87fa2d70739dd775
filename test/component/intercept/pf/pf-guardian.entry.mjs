// The guardian, over the pf of a folder.
import { pfDriver } from '../../../../src/intercept/root/pf/pf-driver.ts';
import { watchHelper } from '../../../../src/intercept/root/watch-helper.ts';
import { fakeMachineWithPrograms } from '../../../support/pf/fake-machine.ts';
import { FakePf } from '../../../support/pf/fake-pf.ts';

export const watch = (folder) => watchHelper([pfDriver(() => fakeMachineWithPrograms(new FakePf(folder)))]);
