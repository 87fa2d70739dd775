import { expect, test, vi } from 'vitest';
import { reloadTunnel } from '../../../../src/app/hosting/reload.ts';
import type { RunningTunnel } from '../../../../src/app/keep-up/keep-up.ts';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import type { AuthHost, Config } from '../../../../src/config/config.ts';
import { parseConfig } from '../../../../src/config/parse-config.ts';

const AUTH_HOST: AuthHost = {
  host: 'keystone.example',
  port: 5000,
  where: '/home/me/.config/openstack/clouds.yaml:7:17',
  isKnownHere: true,
};

async function configOf(authHost: AuthHost): Promise<Config> {
  const invocation = await parseArguments(['-r', 'me@bastion', '--openstack', 'lab', '10.0.0.0/8'], '1.2.3');
  if (invocation.kind !== 'tunnel') throw new Error(invocation.kind);
  const parsed = parseConfig(invocation.raw, {
    readTextFile: () => ({ kind: 'unreadable', what: 'is not read' }),
    whyUnreadable: () => undefined,
    homeDirectory: '/home/me',
    workingDirectory: '/',
  });
  if (parsed.kind !== 'config' || parsed.config.openstack === undefined) throw new Error(parsed.kind);
  return { ...parsed.config, openstack: { ...parsed.config.openstack, authHost } };
}

test.each<[string, AuthHost, readonly string[]]>([
  ['stands in another line', { ...AUTH_HOST, where: '/etc/openstack/clouds.yaml:9:1' }, []],
  ['is another', { ...AUTH_HOST, host: 'other.example' }, ['openstack']],
  ['has another port', { ...AUTH_HOST, port: 443 }, ['openstack']],
])('an auth_url that %s', async (_what, wanted, needRestart) => {
  const capture = vi.fn<RunningTunnel['capture']>();
  const running = { capture } as Partial<RunningTunnel> as RunningTunnel;
  const { report } = await reloadTunnel(running, await configOf(AUTH_HOST), await configOf(wanted));
  expect(report).toEqual({ applied: [], needRestart, warnings: [] });
  expect(capture).not.toHaveBeenCalled();
});
