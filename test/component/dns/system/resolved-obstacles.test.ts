import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolvedObstacles } from '../../../../src/dns/system/resolved-obstacles.ts';

describe('resolvedObstacles', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-resolved-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** With a resolvectl that prints this for `dnsovertls` and `dnssec`. */
  const obstacles = async (printed: { readonly dnsovertls: string; readonly dnssec: string }) => {
    const program = join(folder, 'resolvectl');
    const cases = Object.entries(printed).map(([word, text]) => `${word}) printf '${text}';;`);
    writeFileSync(program, `#!/bin/sh\ncase $1 in ${cases.join(' ')} *) exit 1;; esac\n`);
    chmodSync(program, 0o755);
    return await resolvedObstacles({ program, runningFile: program });
  };

  it('are none where it neither encrypts nor validates, nor where it does not run', async () => {
    const off = 'Global: no\\nLink 2 (eth0): no\\n';
    expect(await obstacles({ dnsovertls: off, dnssec: off })).toEqual([]);
    const nowhere = { program: join(folder, 'none'), runningFile: join(folder, 'none') };
    expect(await resolvedObstacles(nowhere)).toEqual([]);
    expect(await resolvedObstacles({ ...nowhere, runningFile: folder })).toEqual([]);
  });

  it('name the links that are set, with the command that unsets them', async () => {
    const shown = await obstacles({
      dnsovertls: 'Global: no\\nLink 2 (eth0): opportunistic\\nLink 3 (wlan0): no\\nLink 4 (tun1): yes\\n',
      dnssec: 'Global: no\\nLink 2 (eth0): no\\n',
    });
    expect(shown).toEqual([
      'systemd-resolved asks its nameservers of eth0, tun1 over TLS, where no query can be redirected; ' +
        'to have names answered: sudo resolvectl dnsovertls eth0 no; sudo resolvectl dnsovertls tun1 no',
    ]);
  });

  it('name the file where the whole machine is set', async () => {
    const shown = await obstacles({
      dnsovertls: 'Global: no\\n',
      dnssec: 'Global: allow-downgrade\\nLink 2 (eth0): allow-downgrade\\n',
    });
    expect(shown).toEqual([
      'systemd-resolved wants signed answers, which names behind the bastion may not have; ' +
        'to have names answered: DNSSEC=no in /etc/systemd/resolved.conf',
    ]);
  });
});
