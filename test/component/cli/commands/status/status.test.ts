import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RunningTunnels } from '../../../../../src/app/running-tunnels/running-tunnels.ts';
import { lookAt } from '../../../../../src/app/running-tunnels/tunnel-views.ts';
import { surroundingsOf } from '../../../../../src/app/running-tunnels/user-folders.ts';
import { Stop } from '../../../../../src/app/stop.ts';
import { tryThroughTunnels } from '../../../../../src/cli/commands/doctor/tunnel-checks.ts';
import { watchStatus } from '../../../../../src/cli/commands/status/watch-status.ts';
import { exampleArguments, systemWords } from '../../../../../src/core/systems/system-words.ts';
import { ControlServer } from '../../../../../src/daemon/control/server.ts';
import type { TunnelStatus } from '../../../../../src/tunnel/status/status.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { runInProcess } from '../../../../support/in-process/run-command.ts';
import { reportOf, UP } from '../../../../support/in-process/tunnel-reports.ts';
import { until } from '../../../../support/process/until.ts';
import { FLOW, fakeTarget } from '../../../daemon/fake-target.ts';
import { Home } from '../../entry.ts';
import { ToldTunnel } from '../told-tunnel.ts';

const NEEDS_LOGIN: TunnelStatus = {
  ...UP,
  state: { kind: 'waiting', sinceMs: 0, for: { kind: 'user', why: 'would ask' } },
};

describe('commands that ask tunnels', () => {
  let home: Home;
  let server: ControlServer;
  let tunnels: readonly ToldTunnel[];
  const run = (...words: readonly string[]) => runInProcess(words, home.environment());

  beforeEach(async () => {
    home = await Home.make();
    tunnels = [reportOf('office', UP, '10.0.0.0/8'), reportOf('lab', UP, '10.1.0.0/16')].map(
      (report) => new ToldTunnel(report),
    );
    const logger = recordingLogger();
    server = await ControlServer.open(join(home.path, 'run/tshuttle'), fakeTarget(...tunnels), logger);
  });
  afterEach(async () => {
    await server.close();
    await home[Symbol.asyncDispose]();
  });

  test('status, is-up: the exit code is that of the worst, and of names that are not up', async () => {
    const text = await run('status');
    expect(text).toMatchObject({ code: 0 });
    expect(text.printed).toMatch(
      /^\* office +up .*\n {4}capturing 10\.0\.0\.0\/8, by nft\n {4}shares 10\.1\.0\.0\/16 with lab: that one/,
    );
    expect(await run('is-up')).toMatchObject({ code: 0, printed: '' });
    expect(await run('is-up', 'office')).toMatchObject({ code: 0 });

    tunnels[1]!.told = reportOf('lab', NEEDS_LOGIN, '10.1.0.0/16');
    expect((await run('status')).code).toBe(3);
    expect((await run('is-up', '--quiet')).code).toBe(3);
    expect((await run('is-up', 'office')).code).toBe(0);
    const { code, printed } = await run('status', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(printed)).toMatchObject({
      health: 'needs-you',
      silent: [],
      down: [],
      tunnels: [
        { name: 'office', health: 'up', pid: process.pid, status: { state: { kind: 'up' } }, problems: [] },
        { name: 'lab', health: 'needs-you', problems: [{ kind: 'login', remedy: 'tshuttle login lab' }] },
      ],
    });
    expect(await run('status', '--format', '{mark}{name}')).toMatchObject({
      code: 3,
      printed: '*office olab\n',
    });
    await expect(run('is-up', 'ofice')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      remedy: 'perhaps tshuttle is-up office',
    });
    expect(await run('status', '--format', '{nam}')).toMatchObject({
      code: 64,
      refused: [expect.stringMatching(/^--format: has no \{nam\}; there are \{mark\}, /)],
    });
    expect((await run('status', '--format', 'x', '--json')).code).toBe(64);
  });

  test('without a name, or with one that nothing has: what there is, and the line to type', async () => {
    const environment = home.environment('up', { XDG_CONFIG_HOME: join(home.path, '.config') });
    const config = async (text: string): Promise<void> => {
      await mkdir(join(home.path, '.config/tshuttle'), { recursive: true });
      await writeFile(join(home.path, '.config/tshuttle/config.yaml'), text, { mode: 0o600 });
    };
    const said = async (...words: readonly string[]) => {
      const { code, printed, refused } = await runInProcess(words, environment);
      return { code, text: [printed, ...refused].join('') };
    };
    await config('profiles:\n  stage:\n    remote: h\n    subnets: [10.1.0.0/16]\n');
    expect(await said('up')).toEqual({
      code: 64,
      text: 'up: needs the name of a profile; there is stage: tshuttle up stage',
    });
    expect((await said('restart')).text).toContain('there is stage: tshuttle restart stage');
    expect((await said('down')).text).toBe(
      'down: needs the name of a tunnel, or --all; there are office, lab: tshuttle down office',
    );
    expect((await said('login')).text).toContain('there are office, lab: tshuttle login office');
    await expect(said('status', 'elsewhere')).rejects.toMatchObject({
      remedy: 'up: office, lab; profiles: stage; as in tshuttle status office',
    });
    await expect(said('reload', 'ofice')).rejects.toMatchObject({ remedy: 'perhaps tshuttle reload office' });
    await server.close();
    expect((await said('down')).text).toContain('and none is up; start it: tshuttle up stage');
    expect((await said('status')).text).toBe('no tunnel is up -> start it: tshuttle up stage\n');
    expect((await said('reload')).text).toContain('no profile is up -> start it: tshuttle up stage\n');
    await expect(said('top')).rejects.toMatchObject({ remedy: 'start it: tshuttle up stage' });
    await expect(said('status', 'elsewhere')).rejects.toMatchObject({
      remedy: 'no tunnel is up; start it: tshuttle up stage',
    });
    // A file that is broken is told of, and not taken for none.
    await config('profiles: [');
    expect((await said('up')).text).toMatch(/config\.yaml:1:/);
    await rm(join(home.path, '.config'), { recursive: true });
    expect((await said('up')).text).toContain(
      `and there is none: tshuttle config add NAME ${exampleArguments()}`,
    );
  });

  test('status --watch off a terminal tells again what has changed, and nothing else', async () => {
    const stop = new Stop();
    let printed = '';
    const ended = watchStatus({
      process: { environment: {}, stop, reportFailure: () => {} },
      shows: 'line',
      print: (text) => (printed += text),
      look: () => lookAt('status', [], home.environment(), 'as known'),
      render: (now) => `${now.health}\n`,
    });
    await until(() => printed === 'up\n', { deadlineMs: 5_000, what: () => printed });
    tunnels[0]!.told = reportOf('office', NEEDS_LOGIN, '10.0.0.0/8');
    await until(() => printed === 'up\nneeds-you\n', { deadlineMs: 5_000, what: () => printed });
    stop.request(130);
    expect(await ended).toBe(130);
    expect(printed).toBe('up\nneeds-you\n');
  });

  test('explain tells where a mapped network leads, both ways, and all of it as JSON', async () => {
    tunnels[0]!.told = { ...reportOf('office', UP, '10.201.0.0/16'), maps: ['10.1.0.0/16=10.201.0.0/16'] };
    const { printed } = await run('explain', '10.201.0.8:443', '--json');
    expect(JSON.parse(printed)).toEqual({
      host: '10.201.0.8',
      port: 443,
      capturedBy: ['office'],
      wouldCapture: [],
      problems: [],
      lines: [
        '10.201.0.8:443: office captures it: 10.201.0.0/16',
        '10.201.0.8: carried to 10.1.0.8 behind the bastion, by --map of office',
        'office has seen no connection to it',
      ],
    });
    expect((await run('explain', '10.1.0.8:443')).printed).toContain(
      '10.1.0.8: the one behind the bastion is reached by 10.201.0.8, by --map of office\n',
    );
  });

  test('explain answers from what runs', async () => {
    tunnels[0]!.open = [{ ...FLOW, destination: '10.1.0.8:443' }];
    expect((await run('explain', '10.1.0.8:443')).printed).toBe(
      '10.1.0.8:443: lab captures it: 10.1.0.0/16; two tunnels could, also office (10.0.0.0/8): lab wins, since it was started last\n' +
        'office: connections there now: 1 open\n' +
        'lab has seen no connection to it\n',
    );
    tunnels[1]!.told = reportOf('lab', { ...NEEDS_LOGIN, exempt: ['10.1.0.9:22'] }, '10.1.0.0/16');
    expect((await run('explain', '10.1.0.8:80', 'office')).printed).toContain(
      'lab: needs login: the bastion asks for something at each login, such as a code\n    -> tshuttle login lab\n',
    );
    expect((await run('explain', '10.1.0.9:22')).printed).toBe(
      '10.1.0.9:22: never captured, it leads to the bastion of lab\n',
    );
    expect((await run('explain', '127.0.0.1:22')).printed).toBe(
      '127.0.0.1:22: never captured, it is this machine itself\n',
    );
    expect((await run('explain', 'nowhere.invalid:22')).printed).toMatch(
      /^nowhere\.invalid: does not resolve.*, and is in no zone of a tunnel that is up\n {4}-> if only the bastion resolves it, .*--domain invalid\n$/,
    );
  });

  test('explain names the profile that would capture what no tunnel does', async () => {
    const folder = join(home.path, 'config', 'tshuttle');
    await mkdir(folder, { recursive: true });
    const far = { remote: 'me@198.51.100.7', subnets: ['192.0.2.0/24'], zones: ['invalid'] };
    await writeFile(join(folder, 'config.yaml'), JSON.stringify({ profiles: { far } }), { mode: 0o600 });
    const environment = home.environment('up', { XDG_CONFIG_HOME: join(home.path, 'config') });
    const explain = async (...words: readonly string[]) =>
      (await runInProcess(['explain', ...words], environment)).printed;
    const would = (by: string) => `far, which is not up, would capture it: ${by}\n    -> tshuttle up far\n`;
    expect(await explain('192.0.2.8:22')).toBe(
      `192.0.2.8:22: no tunnel captures it: no subnet of office or lab has it\n${would('192.0.2.0/24')}`,
    );
    expect(await explain('db.invalid:22')).toMatch(
      new RegExp(`^db\\.invalid: does not resolve.*\\n${would('--domain invalid')}$`),
    );
    await server.close();
    expect(await explain('192.0.2.8:22')).toBe(`no tunnel is up\n${would('192.0.2.0/24')}`);
    expect(await explain('203.0.113.9:22')).toBe(
      `no tunnel is up\nno profile would capture it\n    -> ${
        systemWords().redirector === undefined
          ? 'reach it by a proxy: tshuttle -r BASTION --socks 1080'
          : 'capture it: tshuttle -r BASTION 203.0.113.9'
      }\n`,
    );
  });

  describe('doctor tries a destination as programs do', () => {
    let listener: Server;
    let accepted: (socket: Socket) => void;
    beforeEach(async () => {
      accepted = () => {};
      listener = createServer((socket) => {
        socket.on('error', () => {});
        accepted(socket);
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
    });
    afterEach(() => {
      listener.close();
    });
    const attempt = async (timeoutMs?: number, { signal } = new AbortController()) => {
      const running = await RunningTunnels.find(surroundingsOf(home.environment()));
      const { port } = listener.address() as { readonly port: number };
      try {
        return await tryThroughTunnels({ host: '127.0.0.1', port }, running.all, signal, timeoutMs);
      } finally {
        running.close();
      }
    };
    const originatorOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}:${remotePort}`;

    test('and says which tunnel carries it', async () => {
      accepted = (socket) => {
        tunnels[1]!.open = [{ ...FLOW, originator: originatorOf(socket) }];
      };
      expect(await attempt()).toMatchObject({
        status: 'ok',
        what: expect.stringMatching(/: connected through lab in \d+ ms$/),
      });
    });

    test('and what the bastion said where it does not', async () => {
      accepted = (socket) => {
        const { destination, address, bytesUp, bytesDown } = FLOW;
        const flow = { destination, address, bytesUp, bytesDown, originator: originatorOf(socket) };
        const why = 'refused: Connection refused';
        tunnels[0]!.over = [{ ...flow, endedAtMs: 0, durationMs: 1, end: 'refused', why }];
      };
      expect(await attempt()).toMatchObject({
        status: 'problem',
        what: expect.stringMatching(/: office: refused: Connection refused$/),
      });
    });

    test('and that it takes too long, or goes past all tunnels', async () => {
      accepted = (socket) => {
        tunnels[0]!.open = [{ ...FLOW, stage: 'opening', originator: originatorOf(socket) }];
      };
      expect(await attempt(300)).toMatchObject({
        status: 'problem',
        what: expect.stringContaining('captured, but not connected within 0.3 s'),
      });
      tunnels[0]!.open = [];
      accepted = () => {};
      expect(await attempt()).toMatchObject({
        status: 'note',
        what: expect.stringContaining('connected directly: no tunnel captures it'),
      });
      listener.close();
    });

    test('and nothing where the user ends it: that is no answer of the network', async () => {
      const end = new AbortController();
      accepted = (socket) => {
        tunnels[0]!.open = [{ ...FLOW, stage: 'opening', originator: originatorOf(socket) }];
        end.abort();
      };
      await expect(attempt(10_000, end)).rejects.toThrow('aborted');
      // Nor is the next destination tried.
      accepted = () => expect.unreachable();
      await expect(attempt(10_000, end)).rejects.toThrow('aborted');
    });
  });
});
