import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { howToStartOneOf } from '../../src/app/running-tunnels/what-there-is.ts';
import { examplesOn } from '../../src/cli/command/help-examples.ts';
import { TEXTS, textsOn } from '../../src/cli/command/help-text.ts';
import { errorTopics, remedyOf } from '../../src/cli/help/error-pages.ts';
import { renderTopic } from '../../src/cli/help/render-text.ts';
import { topicsOn } from '../../src/cli/help/topics.ts';
import { NOTHING_GIVEN } from '../../src/config/options/table.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { type ErrorCode, TshuttleError } from '../../src/core/errors.ts';
import { systemWords } from '../../src/core/systems/system-words.ts';
import { searchWarning } from '../../src/dns/system/search-domains.ts';
import type { ProbeOutcome } from '../../src/ingress/capture-check/capture-probe.ts';
import { captureProblems } from '../../src/ingress/capture-check/capture-problem.ts';
import { cannotRunError, privilegeError } from '../../src/intercept/client/client-errors.ts';
import { helperCommand } from '../../src/intercept/client/command.ts';
import type { RuleFacts } from '../../src/intercept/rules/rule-facts.ts';
import { type ProbeFact, selectCandidate } from '../../src/intercept/rules/select.ts';
import { openNetworkNamespace } from '../../src/net/machine/namespace/network-namespace.ts';
import { listenError } from '../../src/net/sockets/listener.ts';
import { weaknessesOf } from '../../src/ssh/agreement.ts';
import {
  foreignWords,
  OF_ONE_SYSTEM,
  OF_OTHER_MACHINES,
  PLATFORMS,
} from '../support/platform/foreign-words.ts';

/*
 * Nobody is told to do what does not work on his system. The pages and messages of four systems are held against a table of words that
 * belong to others; and what belongs to one system stands in few files, each named here with a reason.
 */

const ownPlatform = process.platform;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: ownPlatform });
});

function pretend(platform: NodeJS.Platform): void {
  Object.defineProperty(process, 'platform', { value: platform });
}

describe.each(PLATFORMS)('on %s', (platform) => {
  test('no page of help has words of another system', () => {
    const pages = [...topicsOn(platform), ...errorTopics(platform)].filter(
      ({ name }) => !OF_OTHER_MACHINES.has(name),
    );
    expect(pages.flatMap((page) => foreignWords(renderTopic(page), platform))).toEqual([]);
  });

  test('nor has what --help says of commands and options', () => {
    // Commands that are of no use there are not shown.
    const { redirector, serviceManager } = systemWords(platform);
    const texts = Object.entries(textsOn(systemWords(platform))).filter(
      ([name]) =>
        !(redirector === undefined && /^(?:sudoers|cleanup)/.test(name)) &&
        !(serviceManager === undefined && name.startsWith('service')),
    );
    expect(texts.flatMap(([, text]) => foreignWords(text, platform))).toEqual([]);
  });

  test('nor has a message', async () => {
    pretend(platform);
    const messages = await messagesOf(platform);
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.flatMap((message) => foreignWords(message, platform))).toEqual([]);
  });

  test('each word is one that this system has', () => {
    const words = systemWords(platform);
    const plain = Object.values(words).filter((value) => typeof value === 'string');
    const made = [
      words.install('nodejs'),
      words.whoHasOpen('/x'),
      words.followFile('/x'),
      words.showRights('/x'),
      words.addRoute(4, '10.0.0.0/8'),
      words.addRoute(6, '2001:db8::/32'),
      words.showRejectRoutes('blackhole'),
      words.loadModules('pf'),
      words.moreDescriptorsOf?.(7) ?? '',
    ];
    expect([...plain, ...made].flatMap((text) => foreignWords(text, platform))).toEqual([]);
  });
});

test('--help says at once where nothing can be captured, and shows command lines that work there', () => {
  const told = (platform: NodeJS.Platform): readonly string[] => [
    textsOn(systemWords(platform)).description,
    examplesOn(systemWords(platform)),
  ];
  expect(told('win32').join()).toMatch(/On Windows nothing can capture .*tshuttle help windows/s);
  for (const platform of ['win32', 'openbsd'] as const)
    expect(told(platform).join()).not.toMatch(/ tshuttle .*(?:10\.0\.0\.0\/8(?! --)|0\/0|--domain|--dns)/);
  expect(told('darwin')).toEqual(told('linux'));
});

test('the texts are those of this system', () => {
  expect(TEXTS).toEqual(textsOn(systemWords(ownPlatform)));
});

test('what each system is told in the place of the others', () => {
  const told = (code: ErrorCode): readonly string[] => PLATFORMS.map((platform) => remedyOf(code, platform));
  expect(told('ERR_NO_INTERCEPTOR')).toEqual([
    'install nftables (apt install nftables), or use --socks, which needs none',
    'see what pf says: sudo pfctl -s info; or use --socks, which needs no rules',
    'see what pf says: sudo pfctl -s info; or use --socks, which needs no rules',
    'use --socks, --http-proxy or tshuttle run --rootless, which need no rules',
    'use --socks, --http-proxy or tshuttle run --rootless, which need no rules',
  ]);
  expect(PLATFORMS.map((platform) => systemWords(platform).sudoersFile)).toEqual([
    '/etc/sudoers.d/tshuttle',
    '/etc/sudoers.d/tshuttle',
    '/usr/local/etc/sudoers.d/tshuttle',
    'none',
    '/etc/sudoers.d/tshuttle',
  ]);
});

const FACTS: RuleFacts = {
  ownRules: true,
  earlierNat: [],
  drops: [],
  ufw: false,
  wgQuick: [],
  notrack: [],
  inputDrops: [],
  packetFilter: null,
};

/** What becomes of a start, and of connections, on a system; with facts as they can be there. */
async function messagesOf(platform: NodeJS.Platform): Promise<readonly string[]> {
  const isPf = ['darwin', 'freebsd'].includes(platform);
  const packetFilter = isPf ? { isEnabled: true, skipsLoopback: false, earlier: [], states: null } : null;
  const outcomes: readonly ProbeOutcome[] = [
    ...(['none', 'blackhole', 'prohibit', 'unreachable'] as const).map(
      (route) => ({ kind: 'refused by route', route }) as const,
    ),
    { kind: 'forbidden' },
    { kind: 'silent', reached: true },
    { kind: 'silent', reached: false },
    { kind: 'answered elsewhere', by: 'connection' },
  ];
  const facts: ReadonlyArray<RuleFacts | undefined> = [
    undefined,
    { ...FACTS, packetFilter },
    { ...FACTS, packetFilter, ownRules: false },
    ...(isPf
      ? [
          { isEnabled: false },
          { skipsLoopback: true },
          { states: { current: 9_990, limit: 10_000 } },
          { earlier: ['pass out quick all'] },
          { earlier: ['block drop out quick all'] },
          { earlier: ['anchor "vpn" all'] },
        ].map((more) => ({ ...FACTS, packetFilter: { ...packetFilter!, ...more } }))
      : []),
  ];
  const problems = facts.flatMap((fact) =>
    outcomes.flatMap((outcome) =>
      ([4, 6] as const).flatMap((family) => {
        const network = family === 4 ? '10.0.0.0/8' : '2001:db8::/32';
        const target = { family, address: network.split('/')[0]!, port: 9, network } as const;
        return captureProblems([{ target, outcome }], fact, platform);
      }),
    ),
  );
  const refusals: ReadonlyArray<readonly ProbeFact[]> = [
    [],
    ...(isPf ? (['pf'] as const) : platform === 'linux' ? (['libnftables'] as const) : []).flatMap(
      (candidate) => [
        [{ kind: 'absent', candidate, missing: 'it' } as const],
        [{ kind: 'refused', candidate, reason: 'Operation not permitted' } as const],
        [{ kind: 'refused', candidate, reason: 'something else' } as const],
      ],
    ),
  ];
  const facts_ = {
    ...{ nodePath: '/n', helperPath: '/h', sudoPath: undefined, isSudoRs: false, installedHelper: undefined },
  };
  const errors = [
    ...refusals.map((list) => thrownBy(() => selectCandidate('auto', list, platform))),
    thrownBy(() => helperCommand({ ...facts_, platform, userId: 501, givesNetAdmin: false })),
    ...(systemWords().redirector === undefined
      ? []
      : [
          cannotRunError('/usr/bin/sudo', new Error('EPERM')),
          privilegeError('sudo ended', ['sudo: a terminal is required']),
        ]),
    ...(platform === 'linux' ? [] : [await openNetworkNamespace(true).catch((error: unknown) => error)]),
  ].filter((error) => error instanceof TshuttleError);
  const agreed = {
    keyExchange: 'curve25519-sha256',
    isStrict: false,
    postQuantumMissed: 'sntrup761x25519-sha512',
  };
  const weaknesses = weaknessesOf(agreed as never);
  const listening = ['EACCES', 'EADDRINUSE', 'EMFILE'].flatMap((code) =>
    ['--socks', '-L'].map((option) =>
      listenError('127.0.0.1', 80, Object.assign(new Error(code), { code }), option),
    ),
  );
  const nothing = parseConfig({ ...NOTHING_GIVEN, remote: ['me@bastion'] }, {
    lookUpAccount: () => undefined,
  } as never);
  if (nothing.kind !== 'problems') throw new Error('there is nothing to do');
  const zone = { name: 'internal.example', includesApex: true } as never;
  const search = [1, 5].map((ndots) => searchWarning({ domains: ['internal.example'], ndots }, [zone]));
  return [
    ...problems.flatMap(({ what, remedy }) => [what, remedy]),
    ...[...errors, ...listening].flatMap(({ message, remedy = '' }) => [message, remedy]),
    ...weaknesses.flatMap(({ what, remedy }) => [what, remedy]),
    howToStartOneOf([]),
    ...nothing.problems.map(({ what }) => what),
    ...search.flatMap((one) => [one?.what ?? '', one?.remedy ?? '']),
  ];
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

/** Files, and folders, whose texts are of one system for a reason. */
const PLACES: ReadonlyArray<readonly [place: string, why: string]> = [
  ['core/systems/', 'the table'],
  ['cli/help/', 'pages, which are rendered above'],
  ['cli/command/help-text.ts', 'held above'],
  ['intercept/rules/', 'the rules themselves, and the row of each method'],
  ['intercept/root/', 'what the helper says of the tools that it runs'],
  ['ingress/capture-check/capture-problem.ts', 'causes that Linux alone has; the others are rendered above'],
  ['ingress/capture-check/pf-causes.ts', 'causes that pf alone has'],
  ['cli/commands/doctor/packet-filter-checks.ts', 'of pf alone'],
  ['ssh/config/target.ts', 'a keyword of Apple’s ssh, which is in files that people share'],
  [
    'ingress/capture-check/others-firewall.ts',
    'firewalls of Linux, where alone the connections of others are captured',
  ],
  ['ingress/captured-programs.ts', 'control groups, which are of Linux'],
  ['config/options/program-options.ts', 'control groups, too'],
  ['dns/system/resolved-obstacles.ts', 'systemd-resolved, which is asked first'],
  ['daemon/service/units.ts', 'units of systemd'],
  ['daemon/service/unit-files.ts', 'units of systemd'],
  ['daemon/service/systemctl.ts', 'systemctl'],
  ['daemon/service/launchctl.ts', 'launchctl'],
  ['daemon/service/launch-agent.ts', 'the agent of launchd'],
  ['daemon/service/cron/', 'cron, in the place of systemd alone'],
  ['daemon/service/user-manager.ts', "a user's own systemd, or none"],
  ['daemon/service/system-user.ts', 'of units of the machine'],
  ['cli/commands/service/', 'behind a look at which of them is there'],
  ['cli/commands/run/keep-awake.ts', 'the command of each system'],
  ['cli/commands/doctor/machine-checks.ts', 'systemd-resolved, on Linux'],
  ['net/native/', 'libraries, by their names'],
  ['net/machine/namespace/', 'network namespaces, which are of Linux'],
  ['app/log/syslog-sink.ts', 'the system’s log of Linux, behind a look at which system this is'],
  ['app/bastion-networks/', 'what runs on a bastion of any system'],
  ['bastion/', 'a bastion is a Debian'],
  ['cli/commands/bastion/audit/', 'a bastion, too'],
];

test('what belongs to one system stands where it is held to that', () => {
  const root = new URL('../../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(300);
  const found = files
    .filter((name) => !PLACES.some(([place]) => name.startsWith(place)))
    .flatMap((name) => {
      const text = readFileSync(new URL(name, root), 'utf8').replace(
        /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm,
        '',
      );
      // A sentence, not a name: it has a blank.
      const literals = text
        .split('\n')
        .flatMap((line) => line.match(/(['"`])(?:(?!\1).)* (?:(?!\1).)*\1/g) ?? []);
      return literals
        .filter((literal) => OF_ONE_SYSTEM.test(literal))
        .map((literal) => `${name}: ${literal}`);
    });
  expect(found).toEqual([]);
  for (const [place] of PLACES)
    expect(
      files.some((name) => name.startsWith(place)),
      place,
    ).toBe(true);
});
