import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import {
  expectNothingLeft,
  runTshuttle,
  stopTshuttle,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

const HOSTILE_PORT = 7092;

/** The bastion's /etc/hosts has it; an application behind a proxy needs not. */
const URL = `http://db.lab:${HTTP_PORT}/path`;

/** What the destination says to a bastion, over whichever family that prefers. */
const THROUGH_BASTION: unknown = expect.stringMatching(/^(?:fd77::1|10\.77\.0\.1) asked for \/path$/);

describe.skipIf(skipLab)('--socks and --http-proxy', () => {
  let lab: Lab;
  let login: string;

  beforeAll(async () => {
    lab = await createLab();
    login = join(lab.machine.homeOf(ORDINARY_USER.name), 'proxy-login');
    await writeFile(login, 'ann:pass:word\n', { mode: 0o600 });
    await chown(login, ORDINARY_USER.id, ORDINARY_USER.id);
  });
  afterEach(async () => {
    for (const pid of await lab.client.pids()) process.kill(pid, 'SIGKILL');
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** As an ordinary user, with ports of the kernel's choice. */
  async function start(args: readonly string[]) {
    const user = ORDINARY_USER.name;
    const options = { user };
    const child = lab.client.spawn(
      tshuttleArgv(lab, ['--socks', '0', '--http-proxy', '0', ...args], options),
      options,
    );
    const [, socks = '', http = ''] = await child.untilOutput(
      /^tshuttle: .*serving SOCKS on 127\.0\.0\.1:(\d+), HTTP on 127\.0\.0\.1:(\d+) through .*$/m,
      20_000,
    );
    return { child, socks, http };
  }

  const curl = (...words: string[]) =>
    lab.client.exec(['curl', '-sS', '--noproxy', '', '-m', '10', ...words], { user: ORDINARY_USER.name });

  it('carry by name without root and without a rule, and every flow is told', async () => {
    const { child, socks, http } = await start(['-v', '--log-format', 'text']);
    expect((await lab.client.rules()).trim()).toBe('');
    const ways: ReadonlyArray<readonly string[]> = [
      ['--socks5-hostname', `127.0.0.1:${socks}`],
      ['--socks4a', `127.0.0.1:${socks}`],
      ['--proxy', `http://127.0.0.1:${http}`],
      ['--proxytunnel', '--proxy', `http://127.0.0.1:${http}`],
    ];
    for (const way of ways) {
      expect(await curl(...way, URL), way.join(' ')).toMatchObject({ code: 0, stdout: THROUGH_BASTION });
    }
    await until(() => child.stderr.match(/db\.lab:7080 closed/g)?.length === ways.length, {
      deadlineMs: 3_000,
      what: () => `${ways.length} endings in ${child.stderr}`,
    });
    const refused = await curl(
      '--socks5-hostname',
      `127.0.0.1:${socks}`,
      `http://${ADDRESSES.destination4}:9/`,
    );
    expect(refused, refused.stderr).toMatchObject({ code: 97, stderr: expect.stringContaining('(5)') });
    const unknown = await curl(
      '--proxy',
      `http://127.0.0.1:${http}`,
      '-w',
      '%{http_code}',
      'http://nobody.invalid/',
    );
    expect(unknown.stdout).toMatch(/nam.*502$/is);
    await stopTshuttle(lab, child);
  });

  it('want the password of --proxy-auth, and never show it', async () => {
    const { child, socks, http } = await start(['-vv', '--proxy-auth', login]);
    const right = 'ann:pass%3Aword';
    expect(await curl('--proxy', `socks5h://${right}@127.0.0.1:${socks}`, URL)).toMatchObject({ code: 0 });
    expect(await curl('--proxy', `http://${right}@127.0.0.1:${http}`, URL)).toMatchObject({
      code: 0,
      stdout: THROUGH_BASTION,
    });
    expect(await curl('--proxy', `socks5h://ann:guess@127.0.0.1:${socks}`, URL)).toMatchObject({ code: 97 });
    expect(await curl('--proxy', `socks5h://127.0.0.1:${socks}`, URL)).toMatchObject({ code: 97 });
    const wrong = await curl('--proxy', `http://ann:guess@127.0.0.1:${http}`, '-w', '%{http_code}', URL);
    expect(wrong.stdout).toMatch(/407$/);
    await stopTshuttle(lab, child);
    expect(child.stdout + child.stderr).not.toMatch(/pass:word|guess/);
  });

  it('refuse a --proxy-auth that others can read, and take one that a shell has open', async () => {
    const asUser = { user: ORDINARY_USER.name };
    await chmod(login, 0o640);
    const refused = await runTshuttle(lab, ['--socks', '0', '--proxy-auth', login], asUser);
    await chmod(login, 0o600);
    expect(refused).toMatchObject({ code: 78, stdout: '' });
    expect(refused.stderr).toContain(
      `--proxy-auth ${login}: is refused: others can read or write it (mode 0640); chmod 600 it`,
    );
    const words = tshuttleArgv(lab, ['--socks', '0'], asUser);
    const substituted = 'exec "$@" --proxy-auth <(echo ann:pass:word)';
    const child = lab.client.spawn(['bash', '-c', substituted, 'bash', ...words], asUser);
    const [, port = ''] = await child.untilOutput(/serving SOCKS on 127\.0\.0\.1:(\d+)/, 20_000);
    expect(await curl('--proxy', `socks5h://ann:pass%3Aword@127.0.0.1:${port}`, URL)).toMatchObject({
      code: 0,
    });
    await stopTshuttle(lab, child);
  });

  it('outlive web servers whose answers are none', async () => {
    const answers = [
      'HTTP/1.1 000 X\\r\\n\\r\\n',
      'HTTP/1.1 099 X\\r\\n\\r\\n',
      'HTTP/1.1 101 X\\r\\nConnection: upgrade\\r\\nUpgrade: x\\r\\n\\r\\n',
      'HTTP/1.1 200 \\x7f\\r\\nContent-Length: 0\\r\\n\\r\\n',
      'HTTP/1.1 200 X\\r\\nTrailer: X\\r\\nContent-Length: 0\\r\\n\\r\\n',
    ];
    const serve = `const answers = [${answers.map((text) => `'${text}'`).join()}];
      require('node:net').createServer((socket) => socket.on('error', () => {}).once('data', (bytes) =>
        socket.write(answers[Number(/[0-9]/.exec(bytes))], 'latin1'),
      )).listen(${HOSTILE_PORT}, () => console.log('ready'))`;
    await lab.destination.spawn(['node', '-e', serve]).untilOutput(/ready/);
    const { child, http } = await start([]);
    const proxy = ['--proxy', `http://127.0.0.1:${http}`, '-o', '/dev/null', '-w', '%{http_code}'];
    const asked = answers.map((_, at) => curl(...proxy, `http://db.lab:${HOSTILE_PORT}/${at}`));
    const statuses = (await Promise.all(asked)).map(({ stdout }) => stdout);
    expect(statuses).toEqual(['502', '502', '502', '200', '200']);
    expect(await curl(...proxy, URL)).toMatchObject({ code: 0, stdout: '200' });
    await stopTshuttle(lab, child);
  });

  it('stand beside what is captured', async () => {
    const { child, socks } = await start([`${ADDRESSES.destination4}/32`]);
    expect(await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 })).toMatchObject({
      peer: ADDRESSES.bastionInner4,
    });
    expect(await curl('--socks5-hostname', `127.0.0.1:${socks}`, URL)).toMatchObject({ code: 0 });
    await stopTshuttle(lab, child);
  });

  it('leave nothing after kill -9', async () => {
    const { child } = await start([]);
    child.kill('SIGKILL');
    await child.exited;
    await expectNothingLeft(lab);
  });

  it('a port that is taken is told before anybody is asked to log in', async () => {
    const { child, socks } = await start([]);
    const second = await runTshuttle(lab, ['--socks', socks], { user: ORDINARY_USER.name });
    expect(second).toMatchObject({ code: 71, stderr: expect.stringContaining(`127.0.0.1:${socks}`) });
    await stopTshuttle(lab, child);
  });
});
