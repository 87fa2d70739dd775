import { describe, expect, it } from 'vitest';
import { renderLaunchAgent } from '../../../../src/daemon/service/launch-agent.ts';
import { renderSystemUnit, renderSysusers, renderUserUnit } from '../../../../src/daemon/service/units.ts';

const PROGRAM = { nodePath: '/usr/bin/node', script: '/usr/lib/node_modules/tshuttle/bin/tshuttle' };

describe('the units', () => {
  it('of a user', async () => {
    await expect(renderUserUnit(PROGRAM, ['office', 'lab'], undefined)).toMatchFileSnapshot(
      'golden/user.service',
    );
  });

  it('of the machine', async () => {
    await expect(renderSystemUnit(PROGRAM, 'office')).toMatchFileSnapshot('golden/system.service');
    await expect(renderSysusers()).toMatchFileSnapshot('golden/sysusers.conf');
  });

  it('quote what systemd would take for something else', () => {
    const odd = { nodePath: '/home/a b/node', script: '/opt/100%/$x/"q"/tshuttle' };
    const unit = renderUserUnit(odd, ['office'], '/home/a b/.config');
    expect(unit).toContain(
      'ExecStart="/home/a b/node" "/opt/100%%/$$x/\\"q\\"/tshuttle" up --foreground office\n',
    );
    expect(unit).toContain('Environment="XDG_CONFIG_HOME=/home/a b/.config"\n');
  });
});

describe('the launchd agent', () => {
  it('starts the same command, and escapes what XML would take for something else', async () => {
    const program = { nodePath: '/opt/homebrew/bin/node', script: '/Users/alice/R&D/bin/tshuttle' };
    const agent = renderLaunchAgent(
      program,
      ['office', 'lab'],
      '/Users/alice/Library/Logs/tshuttle.log',
      '/Users/alice/<conf>',
    );
    await expect(agent).toMatchFileSnapshot('golden/tshuttle.agent.plist');
  });
});
