import { expect, test } from 'vitest';
import { bastionKey, catalogKey, doesTheSame, programsKey } from '../../../../src/app/keep-up/same-tunnel.ts';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import type { Config } from '../../../../src/config/config.ts';
import { parseConfig } from '../../../../src/config/parse-config.ts';
import { rulesOf } from '../../../../src/config/resolve-subnets.ts';
import type { TunnelReport } from '../../../../src/daemon/control/protocol.ts';

async function configOf(line: string): Promise<Config> {
  const invocation = await parseArguments(line.split(' '), '1.2.3');
  if (invocation.kind !== 'tunnel') throw new Error(invocation.kind);
  const parsed = parseConfig(invocation.raw, {
    readTextFile: () => ({ kind: 'unreadable', what: 'is not read' }),
    whyUnreadable: () => undefined,
    homeDirectory: '/home/me',
    workingDirectory: '/',
  });
  if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const RUNNING = '-r me@bastion 10.0.0.0/8';

/** What a tunnel of a command line, which is up, tells of itself. */
async function reportOf(line: string): Promise<TunnelReport> {
  const config = await configOf(line);
  const status = { state: { kind: 'up' } } as unknown as TunnelReport['status'];
  return {
    ...{ name: 'me@bastion', profileFile: null, logFile: null, captured: null, status },
    ...{ bastionKey: bastionKey(config), catalogKey: catalogKey(config), programs: programsKey(config) },
    ...{ rules: [{ action: 'include', subnet: '10.0.0.0/8' }], ruleCount: 1 },
  };
}

test.each([
  [RUNNING, true],
  ['-r me@bastion 10.1.0.0/16', true],
  ['-r me@bastion 10.0.0.0/8 192.168.0.0/16', false],
  ['-r me@other 10.0.0.0/8', false],
  ['-r me@bastion -r me@other 10.0.0.0/8', false],
  ['-r me@bastion -J hop 10.0.0.0/8', false],
  ['-r me@bastion --user 1001 10.0.0.0/8', false],
  ['-r me@bastion --also-from docker0 10.0.0.0/8', false],
  ['-r me@bastion --udp direct 10.0.0.0/8', false],
  ['-r me@bastion --udp reject 10.0.0.0/8', true],
  ['-r me@bastion -L 5432:db:5432 10.0.0.0/8', false],
  ['-r me@bastion --map 10.1.0.0/16=10.201.0.0/16 10.0.0.0/8', false],
  ['-r me@bastion --domain internal.example 10.0.0.0/8', false],
  ['-r me@bastion --socks 1080 10.0.0.0/8', false],
  ['-r me@bastion --on-event x 10.0.0.0/8', false],
])('what is up does %s, too: %s', async (line, does) => {
  const config = await configOf(line);
  expect(doesTheSame(await reportOf(RUNNING), config, rulesOf(config, new Map()))).toBe(does);
});

test('a tunnel that is not up does nothing yet', async () => {
  const config = await configOf(RUNNING);
  const report = { ...(await reportOf(RUNNING)), status: null };
  expect(doesTheSame(report, config, rulesOf(config, new Map()))).toBe(false);
});

test.each([
  '-r me@vm',
  '-r vm:2222',
  '-r vm -r standby',
  '-r vm -J hop',
  '-r vm -F /etc/other',
  // A target of config.yaml is that, too: what its Host block says.
  '-r vm -o HostName=10.0.0.1',
  '-r vm -o HostName=10.0.0.2',
  '-r vm -i /key',
  '-r vm --upstream-proxy socks5://proxy:1080',
  '-r vm --upstream-proxy socks5://me:hush@proxy:1080',
  '-r vm --control-path /master',
])('%s is another bastion than -r vm, the same as itself, and cannot be read', async (words) => {
  const keyOf = async (line: string): Promise<string> => bastionKey(await configOf(`${line} 10.0.0.0/8`));
  const key = await keyOf(words);
  expect(key).not.toBe(await keyOf('-r vm'));
  expect(key).toBe(await keyOf(words));
  expect(key).toMatch(/^[A-Za-z0-9+/]{43}=$/);
});
