import { describe, expect, test } from 'vitest';
import { networksOfBastion } from '../../../../src/app/bastion-networks/bastion-networks.ts';
import { MAX_NETWORKS } from '../../../../src/app/bastion-networks/choose-networks.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { formatCaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { ALL_PORTS } from '../../../../src/net/address/port-range.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

interface Case {
  readonly routes: readonly string[];
  /** Networks of this machine's own. */
  readonly own?: readonly string[];
  readonly asked?: readonly string[];
  readonly families?: readonly (4 | 6)[];
}

async function choose({ routes, own = [], asked = [], families = [4, 6] }: Case) {
  const logger = recordingLogger();
  const output = ['tshuttle-routes', 'ip', ...routes, 'tshuttle-end'].join('\n');
  const rules = await networksOfBastion(
    { askBastion: async () => output },
    {
      logger,
      families,
      asked: asked.map((text) => ({ action: 'include', cidr: parseCidr(text)!, ports: ALL_PORTS })),
      ownNetworks: async () =>
        own.map((text) => ({ cidr: parseCidr(text)!, what: 'the local network on eth0' })),
    },
  );
  const text = rules.map(({ action, subnet }) => {
    if (subnet.kind !== 'network') throw new Error('a name');
    return `${action === 'exclude' ? '-x ' : ''}${formatCaptureRule({ action: 'include', ...subnet })}`;
  });
  return { rules: text, lines: logger.lines };
}

describe('the networks of a bastion', () => {
  test('are captured, each told', async () => {
    const { rules, lines } = await choose({ routes: ['10.0.0.0/8', '198.51.100.0/24', 'fd00::/64'] });
    expect(rules).toEqual(['10.0.0.0/8', '198.51.100.0/24', 'fd00::/64']);
    expect(lines).toEqual([
      "info -N: 10.0.0.0/8 is a network of the bastion's",
      "info -N: 198.51.100.0/24 is a network of the bastion's",
      "info -N: fd00::/64 is a network of the bastion's",
    ]);
  });

  test('never are default routes, loopback, link-local or multicast, nor IPv6 where it is disabled', async () => {
    const routes = ['default', '0.0.0.0/0', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', 'fe80::/10'];
    expect((await choose({ routes: [...routes, 'ff00::/8', '10.1.0.0/16'] })).rules).toEqual(['10.1.0.0/16']);
    expect((await choose({ routes: ['fd00::/64', '10.1.0.0/16'], families: [4] })).rules).toEqual([
      '10.1.0.0/16',
    ]);
  });

  test.each([
    ['halves', ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1', '2000::/3']],
    ['a network around the private ones', ['8.0.0.0/5', '172.0.0.0/6', 'f000::/4']],
  ])('are not the Internet: %s', async (_what, routes) => {
    const { rules, lines } = await choose({ routes: [...routes, '10.0.0.0/8'] });
    expect(rules).toEqual(['10.0.0.0/8']);
    expect(lines.filter((line) => /more of the Internet than is taken/.test(line))).toHaveLength(
      routes.length,
    );
  });

  test('are not the Internet in pieces: a /8 of IPv4 and a /24 of IPv6 at most', async () => {
    const routes = Array.from({ length: 100 }, (_, index) => `${index + 20}.0.0.0/9`);
    const six = Array.from({ length: 10 }, (_, index) => `2a0${index}::/25`);
    const { rules, lines } = await choose({ routes: [...routes, ...six, '172.16.0.0/12'] });
    expect(rules).toEqual(['20.0.0.0/9', '21.0.0.0/9', '2a00::/25', '2a01::/25', '172.16.0.0/12']);
    expect(lines.at(-1)).toMatch(/^warn -N: 96 more networks of the bastion's are not captured/);
  });

  test(`are ${MAX_NETWORKS} at most`, async () => {
    const routes = Array.from({ length: 400 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    const { rules, lines } = await choose({ routes });
    expect(rules).toHaveLength(MAX_NETWORKS);
    expect(lines.at(-1)).toMatch(
      `warn -N: ${400 - MAX_NETWORKS} more networks of the bastion's are not captured: no more than`,
    );
  });

  test('leave out what this machine reaches by itself', async () => {
    const { rules, lines } = await choose({
      routes: ['192.168.1.0/24', '192.168.1.1', '10.0.0.0/8'],
      own: ['192.168.1.0/24', '10.5.0.0/24', '172.17.0.0/16'],
    });
    expect(rules).toEqual(['10.0.0.0/8', '-x 10.5.0.0/24']);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn -N: 10.5.0.0/24 is not captured: it is the local network on eth0; to capture it add it as SUBNET',
      'warn -N: 192.168.1.0/24 is not captured: it is in the local network on eth0; to capture it add it as SUBNET',
      'warn -N: 192.168.1.1 is not captured: it is in the local network on eth0; to capture it add it as SUBNET',
    ]);
  });

  test('have no say over what the user asks for', async () => {
    const own = ['10.5.0.0/24'];
    const { rules, lines } = await choose({ routes: ['10.0.0.0/8'], own, asked: ['10.5.0.7/32'] });
    expect(rules).toEqual(['10.0.0.0/8']);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  test('may be none, which is told', async () => {
    const { rules, lines } = await choose({ routes: ['default via 192.0.2.1 dev eth0'] });
    expect(rules).toEqual([]);
    expect(lines).toEqual(['warn -N: the bastion has no network that can be captured; list them as SUBNETs']);
  });
});

test.each([
  ['a reason', new Error('it runs no command'), 'ERR_CONFIG', /tell its routes \(-N\): it runs no command$/],
  ['a lost bastion', new TshuttleError('ERR_BASTION_LOST', 'lost'), 'ERR_BASTION_LOST', /^lost$/],
  ['another command’s words', 'only\u001b[31m forwarding\n', 'ERR_CONFIG', /it says: only\[31m forwarding$/],
])('a bastion that does not tell: %s', async (_what, answer, code, message) => {
  const context = {
    logger: recordingLogger(),
    families: [4] as const,
    asked: [],
    ownNetworks: async () => [],
  };
  const askBastion = async (): Promise<string> => {
    if (typeof answer === 'string') return answer;
    throw answer;
  };
  await expect(networksOfBastion({ askBastion }, context)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});
