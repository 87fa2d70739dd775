import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ONCE_IF_LONG } from '../../support/lab/long.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

/*
 * client, with a clouds.yaml ── bastion ── destination, which stands for the API
 */

const CLOUDS = `clouds:
  lab:
    auth: {auth_url: 'http://db.lab:7080/v3', username: me, password: hunter2, project_name: p}
  elsewhere:
    auth: {auth_url: 'https://nowhere.inner.example:5000/v3', username: me, password: hunter2, project_name: p}
  closed:
    auth: {auth_url: 'http://db.lab:7999/v3'}
  inner:
    auth: {auth_url: 'https://api.inner.example:5000/v3'}
  outer:
    auth: {auth_url: 'http://api.outer.example:7080/v3'}
`;

describe.skipIf(skipLab)('--openstack', () => {
  let lab: Lab;
  let environment: Record<string, string>;

  beforeAll(async () => {
    lab = await createLab();
    // This machine knows that it has no such names; the bastion knows one.
    const options = ['--local=/inner.example/', '--local=/outer.example/'];
    const resolver = { listenAddress: '127.0.0.1', options };
    await startDnsmasq(lab, lab.client, {
      ...resolver,
      name: 'outer',
      hosts: [`${ADDRESSES.destination4} api.outer.example`],
    });
    const hosts = [`${ADDRESSES.destination4} api.inner.example`];
    await startDnsmasq(lab, lab.bastion, { ...resolver, name: 'inner', hosts });
    const folder = join(lab.directory, 'clouds');
    await mkdir(folder);
    const file = join(folder, 'clouds.yaml');
    await writeFile(file, CLOUDS);
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      OS_CLIENT_CONFIG_FILE: file,
      OS_CLOUD: 'lab',
    };
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const isReached = async (host: string, port: number): Promise<boolean> =>
    (await lab.application({ do: 'whoami', host, port, timeoutMs: 500 })).error === undefined;

  it('captures the host of auth_url, on all ports, and says what it took', async () => {
    const tshuttle = await startTshuttle(lab, ['--openstack'], { env: environment });
    const file = environment['OS_CLIENT_CONFIG_FILE'];
    expect(tshuttle.stdout).toContain(`tshuttle: --openstack lab is http://db.lab:7080/v3 (${file}:3:22)\n`);
    expect(await isReached(ADDRESSES.destination4, 7000)).toBe(true);
    expect(await isReached(ADDRESSES.otherDestination4, 7000)).toBe(false);
    await stopTshuttle(lab, tshuttle);
  });

  it('warns of a client that goes elsewhere', async () => {
    const env = { ...environment, OS_AUTH_URL: 'https://other.example:5000/v3' };
    const tshuttle = await startTshuttle(lab, ['--openstack', 'lab'], { env });
    expect(tshuttle.stderr).toContain(
      'the openstack command takes another auth_url, other.example:5000 (OS_AUTH_URL), which is not captured',
    );
    await stopTshuttle(lab, tshuttle);
  });

  it('with a catalog captures exactly its places in the region, from a file and from standard input', async () => {
    const endpoint = (host: string, port: number, more = {}): unknown => ({
      interface: 'public',
      region_id: 'one',
      url: `https://${host}:${port}/v1`,
      ...more,
    });
    const catalog = JSON.stringify([
      { Name: 'nova', Type: 'compute', Endpoints: [endpoint(ADDRESSES.otherDestination4, 7001)] },
      { Name: 'swift', Type: 'object-store', Endpoints: [endpoint(ADDRESSES.farDestination4, 8000)] },
      { Name: 'far', Type: 'image', Endpoints: [endpoint('192.0.2.1', 9292, { region_id: 'two' })] },
      { Name: 'inner', Type: 'volume', Endpoints: [endpoint('192.0.2.2', 8776, { interface: 'internal' })] },
    ]);
    const file = join(lab.directory, 'catalog.json');
    await writeFile(file, catalog);
    for (const from of [file, '-']) {
      const args = ['--openstack', `--openstack-catalog=${from}`, '--openstack-region', 'one'];
      const tshuttle = await startTshuttle(lab, args, { env: environment, stdin: catalog });
      expect(await isReached(ADDRESSES.otherDestination4, 7001)).toBe(true);
      expect(await isReached(ADDRESSES.farDestination4, 8000)).toBe(true);
      expect(await isReached(ADDRESSES.otherDestination4, 7000)).toBe(false);
      expect(await isReached(ADDRESSES.destination4, 7000)).toBe(false);
      expect(await lab.client.rules()).not.toContain('192.0.2.');
      await stopTshuttle(lab, tshuttle);
    }
  });

  it('run joins the tunnel of a profile that has the cloud, and one with its own options, by what it captures', async () => {
    const profile = {
      remote: `root@${ADDRESSES.bastion4}`,
      identity: [lab.sshd.userKey],
      ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`],
      openstack: 'lab',
    };
    const folder = join(environment['HOME']!, '.config', 'tshuttle');
    await mkdir(folder, { recursive: true });
    const config = JSON.stringify({ profiles: { cloud: profile } });
    await writeFile(join(folder, 'config.yaml'), config, { mode: 0o600 });
    const tshuttle = (...words: readonly string[]): Promise<CommandResult> =>
      lab.client.exec(['node', 'bin/tshuttle', ...words], { env: environment });
    const logins = (): number => lab.sshd.log().match(/Accepted publickey/g)?.length ?? 0;
    const curl = ['--', 'curl', '-sS', '-m', '10', `http://${ADDRESSES.destination4}:${HTTP_PORT}/joined`];
    const answered = { code: 0, stdout: `${ADDRESSES.bastionInner4} asked for /joined` };

    const up = await tshuttle('up', 'cloud');
    expect(up, up.stderr).toMatchObject({ code: 0 });
    expect(up.stdout).toContain(`cloud is capturing ${ADDRESSES.destination4}, `);
    const before = logins();
    const named = await tshuttle('run', 'cloud', ...curl);
    expect(named, named.stderr).toMatchObject(answered);
    const [, , ...options] = tshuttleArgv(lab, ['--openstack', 'lab']);
    const same = await tshuttle('run', ...options, ...curl);
    expect(same, same.stderr).toMatchObject(answered);
    const nowhere = await tshuttle(
      'run',
      'cloud',
      '--probe',
      'nowhere.inner.example:1',
      '--',
      'echo',
      'started',
    );
    expect(nowhere).toMatchObject({ code: 68, stdout: '' });
    expect(nowhere.stderr).toMatch(/^tshuttle: .*nowhere\.inner\.example:1/m);
    expect(logins()).toBe(before);
    const more = await tshuttle('run', ...options, `${ADDRESSES.farDestination4}/32`, ...curl);
    expect(more, more.stderr).toMatchObject(answered);
    expect(logins()).toBe(before + 1);
    expect((await tshuttle('down', 'cloud')).code).toBe(0);
    const own = await tshuttle('run', 'cloud', ...curl);
    expect(own, own.stderr).toMatchObject(answered);
    expect(logins()).toBe(before + 2);
    await expectNothingLeft(lab);
    expect(await tshuttle('run', 'clout', '--', 'true')).toMatchObject({
      code: 78,
      stderr: 'tshuttle: clout: is not a profile; perhaps cloud\n',
    });
  });

  it.each(ONCE_IF_LONG)('run says what it has waited for in vain', async () => {
    const [node, program, ...options] = tshuttleArgv(lab, ['--openstack', 'closed']);
    const argv = [node!, program!, 'run', ...options, '--', 'echo', 'started'];
    const result = await lab.client.exec(argv, { env: environment, timeoutMs: 50_000 });
    expect(result).toMatchObject({ code: 68, stdout: '' });
    expect(result.stderr).toMatch(
      /no connection to db\.lab:7999 through the bastion within 30 s: .*refused/i,
    );
  });

  it('has the bastion resolve a host that only the bastion knows', async () => {
    const tshuttle = await startTshuttle(lab, ['--openstack', 'inner'], { env: environment });
    expect(tshuttle.stdout).toContain(
      '; the bastion resolves api.inner.example, which this machine does not know',
    );
    expect(await isReached('api.inner.example', 7000)).toBe(true);
    await stopTshuttle(lab, tshuttle);
  });

  const check = async (args: readonly string[], remote?: string): Promise<CommandResult> => {
    const [node, program, ...options] = tshuttleArgv(lab, args, remote === undefined ? {} : { remote });
    const argv = [node!, program!, 'openstack', 'check', ...options];
    return await lab.client.exec(argv, { env: environment, timeoutMs: 50_000 });
  };

  it('goes by the address of a host that only this machine knows, as applications do', async () => {
    const [node, program, ...options] = tshuttleArgv(lab, ['--openstack', 'outer']);
    const ran = await lab.client.exec([node!, program!, 'run', ...options, '--', 'echo', 'ran'], {
      env: environment,
      timeoutMs: 50_000,
    });
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('ran\n') });
    const checked = await check(['outer']);
    expect(checked.stdout, checked.stderr).toMatch(/^ok +identity/m);
  });

  it.each([
    [
      'elsewhere',
      [],
      78,
      /nowhere\.inner\.example, the host of auth_url \(.*:5:22\), does not exist, neither here nor at the bastion/,
    ],
    [
      'nobody',
      [],
      78,
      /the cloud nobody: is not in .*clouds\.yaml, which has lab, elsewhere, closed, inner, outer/,
    ],
    ['lab', ['--openstack-catalog'], 78, /auth_url \(.*:3:22\) is not https: no secret is sent there/],
  ])('ends with one line for the cloud %s %j', async (cloud, args, code, line) => {
    const result = await runTshuttle(lab, ['-vv', '--openstack', cloud, ...args], { env: environment });
    expect(result, result.stderr).toMatchObject({ code });
    expect(result.stderr).toMatch(line);
    expect(`${result.stdout}${result.stderr}`).not.toContain('hunter2');
  });

  it('openstack check says of each endpoint whether the bastion reaches it', async () => {
    const endpoint = (url: string): unknown => ({ interface: 'public', region_id: 'one', url });
    const catalog = join(lab.directory, 'checked.json');
    await writeFile(
      catalog,
      JSON.stringify([
        { Type: 'image', Endpoints: [endpoint(`http://${ADDRESSES.otherDestination4}:7080/`)] },
        { Type: 'volume', Endpoints: [endpoint(`http://${ADDRESSES.destination4}:7999/v3`)] },
      ]),
    );
    const args = ['lab', `--openstack-catalog=${catalog}`, '--json'];
    const checked = await check(args);
    expect(checked, checked.stderr).toMatchObject({ code: 1 });
    const { problems, endpoints } = JSON.parse(checked.stdout) as {
      problems: number;
      endpoints: Array<{ services: string[]; verdict: string; throughBastion: { kind: string } }>;
    };
    expect(problems).toBe(1);
    expect(
      endpoints.map(({ services, verdict, throughBastion: { kind } }) => [...services, verdict, kind]),
    ).toEqual([
      ['identity', 'works', 'answers'],
      ['image', 'works', 'answers'],
      ['volume', 'nothing-listens', 'refused'],
    ]);
    expect(await lab.client.rules()).not.toContain('tshuttle');
  });

  it('openstack check tells a broken tunnel from a cloud that is not there', async () => {
    const broken = await check(['lab'], `root@${ADDRESSES.bastion4}:9`);
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /PROBLEM identity: db\.lab:7080: the tunnel is broken: cannot reach the bastion .*connection refused/,
    );
    const missing = await check(['nobody']);
    expect(missing).toMatchObject({ code: 78, stdout: '' });
    expect(missing.stderr).toMatch(/^tshuttle: the cloud nobody: is not in .*clouds\.yaml, which has lab/);
    expect(`${broken.stdout}${broken.stderr}${missing.stderr}`).not.toContain('hunter2');
  });

  it('tells all that is wrong with clouds.yaml, with line and column', async () => {
    const file = join(lab.directory, 'broken.yaml');
    await writeFile(file, 'clouds:\n  lab:\n    auth: {auth_url: [hunter2]}\n    verify: [x]\n');
    const env = { ...environment, OS_CLIENT_CONFIG_FILE: file };
    const result = await runTshuttle(lab, ['--openstack'], { env });
    expect(result).toMatchObject({
      code: 78,
      stderr: `tshuttle: ${file}:3:22: auth.auth_url is not text\ntshuttle: ${file}:4:13: verify is neither true nor false\n`,
    });
  });
});
