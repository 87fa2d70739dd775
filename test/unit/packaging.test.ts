import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderUserUnit } from '../../src/daemon/service/units.ts';
import { INSTALLED_HELPER } from '../../src/intercept/install/installed-helper.ts';
import { renderSudoers } from '../../src/intercept/install/sudoers.ts';

/* What packages bring as files says the same as what tshuttle writes itself. */

const read = (name: string): string =>
  readFileSync(new URL(`../../.ci/packaging/${name}`, import.meta.url), 'utf8');

/** What counts in a file of systemd's or sudo's. */
const settings = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test("the package's unit for one profile is the user's unit of tshuttle service install", () => {
  const program = { nodePath: 'NODE', script: '/usr/bin/tshuttle' };
  const own = renderUserUnit(program, ['office'], undefined).replaceAll('office', '%i').replace('NODE ', '');
  const packaged = settings(read('debian/tshuttle@.service'));
  expect(packaged.filter((line) => line !== 'Documentation=man:tshuttle(1)')).toEqual(settings(own));
});

test("the package's line for sudo is that of tshuttle sudoers, for a group, as sudo-rs reads it, too", () => {
  const own = renderSudoers(['somebody'], true).replaceAll(INSTALLED_HELPER, '/usr/lib/tshuttle/helper');
  expect(settings(read('debian/sudoers'))).toEqual(settings(own.replace('somebody', '%tshuttle-users')));
});
