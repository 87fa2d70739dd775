import { afterEach, expect, test } from 'vitest';
import { usualAgent } from '../../../../src/ssh/config/usual-agent.ts';

const own = process.platform;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: own });
});

function agentOn(platform: NodeJS.Platform, launchdSays: string, environment = {}): string | undefined {
  Object.defineProperty(process, 'platform', { value: platform });
  return usualAgent(environment, (variable) => (variable === 'SSH_AUTH_SOCK' ? launchdSays : ''));
}

test('launchd of macOS is asked where no variable names an agent, as after a login by ssh', () => {
  const socket = '/private/tmp/com.apple.launchd.W8zBv5oPqR/Listeners';
  expect(agentOn('darwin', `${socket}\n`)).toBe(socket);
  expect(agentOn('darwin', `${socket}\n`, { SSH_AUTH_SOCK: '/own' })).toBe('/own');
  // As ssh has it: set to nothing is none.
  expect(agentOn('darwin', `${socket}\n`, { SSH_AUTH_SOCK: '' })).toBe('');
});

test('launchd that has none, or says something else, is none', () => {
  for (const said of ['', '\n', 'Could not find service', 'relative/path'])
    expect(agentOn('darwin', said)).toBeUndefined();
});

test('nobody is asked elsewhere', () => {
  expect(agentOn('linux', '/launchd')).toBeUndefined();
  expect(agentOn('freebsd', '/launchd')).toBeUndefined();
  expect(agentOn('win32', '/launchd')).toBe('\\\\.\\pipe\\openssh-ssh-agent');
});
