import { expect, test } from 'vitest';
import { parseSubnet } from '../../../../src/config/parse/networks/subnet.ts';
import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { type Endpoint, makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import type { ProxyRoute, SshTarget } from '../../../../src/ssh/ssh-target.ts';
import { warnOfProxyCommand } from '../../../../src/tunnel/capture/capturable-rules.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const COMMAND: ProxyRoute = { kind: 'command', command: 'ssh -W %h:%p gate' };

function targetBehind(proxy: ProxyRoute): SshTarget {
  return { requestedHost: 'vm3', proxy } as SshTarget;
}

function rulesOf(...texts: readonly string[]): readonly CaptureRule[] {
  return texts.map((text) => {
    const parsed = parseSubnet(text);
    if (parsed.kind !== 'network') throw new Error(text);
    return { action: 'include', cidr: parsed.cidr, ports: parsed.ports };
  });
}

function warnings(
  proxy: ProxyRoute,
  peers: readonly (Endpoint | undefined)[],
  rules: readonly CaptureRule[],
) {
  const logger = recordingLogger();
  const known = peers.filter((peer) => peer !== undefined);
  warnOfProxyCommand(targetBehind(proxy), known, rules, logger);
  return logger.lines.map((line) => line.replace(/^warn /, ''));
}

const GATE = makeEndpoint('203.0.113.7', 22);
const INSIDE = makeEndpoint('10.0.0.5', 22);

test.each([
  { what: 'outside of every network', peers: [GATE], rules: ['10.0.0.0/8'], says: [] },
  { what: 'inside, on another port', peers: [INSIDE], rules: ['10.0.0.0/8:443'], says: [] },
  {
    what: 'inside a captured network',
    peers: [GATE, INSIDE],
    rules: ['10.0.0.0/8'],
    says: [
      expect.stringMatching(
        /^what the ProxyCommand of vm3 .*now it is connected to 10\.0\.0\.5:22; exclude that with -x 10\.0\.0\.5$/,
      ),
    ],
  },
  {
    what: 'to what nobody knows',
    peers: [],
    rules: ['10.0.0.0/8'],
    says: [expect.stringContaining('exclude it with -x if it is in a captured network')],
  },
])('a ProxyCommand that is connected $what', ({ peers, rules, says }) => {
  expect(warnings(COMMAND, peers, rulesOf(...rules))).toEqual(says);
});

test('a way without a ProxyCommand has nothing to warn of; one before a jump host has', () => {
  const everything = rulesOf('0.0.0.0/0');
  expect(warnings({ kind: 'none' }, [GATE], everything)).toEqual([]);
  const jump: ProxyRoute = { kind: 'jump', jumpHost: targetBehind(COMMAND) };
  expect(warnings(jump, [GATE], everything)).toHaveLength(1);
});
