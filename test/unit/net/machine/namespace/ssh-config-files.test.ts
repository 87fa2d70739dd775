import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { includedFilesOfRoot } from '../../../../../src/net/machine/namespace/ssh-config-files.ts';

const isRoot = process.geteuid?.() === 0;
const OTHER = 65_534;

describe.skipIf(!isRoot)('the included files of root', () => {
  let folder: string;
  const at = (...parts: readonly string[]): string => join(folder, ...parts);
  const write = (name: string, text: string, uid = 0, mode = 0o644): string => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
    chmodSync(at(name), mode);
    chownSync(at(name), uid, uid);
    return at(name);
  };
  const found = (): readonly string[] => includedFilesOfRoot(at('home'), at('etc'));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-include-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are those of the system configuration, by patterns and relative names, and where links lead', () => {
    write('etc/ssh_config', 'Host *\n  include ssh_config.d/*.conf\nInclude=extra "with space"\n');
    const proxy = write('usr/20-proxy.conf', '');
    mkdirSync(at('etc/ssh_config.d'));
    symlinkSync(proxy, at('etc/ssh_config.d/20-proxy.conf'));
    write('etc/ssh_config.d/readme.txt', '');
    write('etc/ssh_config.d/.hidden.conf', '');
    const expected = [
      at('etc/ssh_config.d/20-proxy.conf'),
      write('etc/extra', ''),
      write('etc/with space', ''),
    ];
    expect(found()).toEqual(expected);
  });

  it('are those of files that include others, as Fedora has it, also by way of a file of the user', () => {
    write('etc/ssh_config', `Include ${at('etc/ssh_config.d')}/*.conf\n`);
    write('etc/ssh_config.d/50-redhat.conf', `Match final all\n  Include ${at('etc/policies')}/op*.config\n`);
    write('etc/policies/openssh.config', '');
    write('home/.ssh/config', 'Include work\n', OTHER);
    write('home/.ssh/work', `Include ${at('etc/corporate')} ~/shared\n`, OTHER);
    write('etc/corporate', '');
    write('home/shared', '');
    expect(found()).toEqual([
      at('etc/corporate'),
      at('home/shared'),
      at('etc/ssh_config.d/50-redhat.conf'),
      at('etc/policies/openssh.config'),
    ]);
  });

  it('are not those that ssh refuses outside of a namespace, too', () => {
    write('etc/ssh_config', 'Include open others missing\n');
    write('etc/open', '', 0, 0o666);
    write('etc/others', '', OTHER);
    expect(found()).toEqual([]);
  });

  it('end where files include each other', () => {
    write('etc/ssh_config', 'Include a\n');
    write('etc/a', 'Include b\n');
    write('etc/b', 'Include a\n');
    expect(found()).toEqual([at('etc/a'), at('etc/b')]);
  });

  it('are none where there is no configuration', () => {
    expect(found()).toEqual([]);
  });
});
