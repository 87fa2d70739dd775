import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  buildGophercloudClient,
  terraformCommand,
  terraformEnvironment,
  writeTerraform,
} from '../../support/clients/cloud-clients.ts';
import { createLab, type Lab } from '../../support/lab/lab.ts';
import { skipIsolated, skipKeystone, skipTerraform } from '../../support/lab/requirements.ts';
import type { Child, CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { prepareReader, type Reader } from '../../support/readme/reader.ts';
import { readmeCommand } from '../../support/readme/readme-blocks.ts';
import {
  CLOUD_HOSTS,
  CLOUD_PLACES,
  CLOUD_SECRETS,
  type Keystone,
  startKeystone,
} from '../../support/servers/keystone.ts';
import {
  expectNothingLeft,
  READY,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

/*
 * client ── bastion ── destination: a real Keystone and canned services on three addresses, for the bastion's address alone
 */

/** Where users may make namespaces. */
const ISOLATED: ReadonlyArray<readonly [string, readonly string[]]> = skipIsolated
  ? []
  : [['isolated', ['--isolated']]];

describe.skipIf(skipKeystone)('the API of an OpenStack', () => {
  let lab: Lab;
  let keystone: Keystone;
  /** As Terraform's provider is a client. */
  let gophercloud: string;
  let reader: Reader;
  const outputs: string[] = [];

  beforeAll(async () => {
    lab = await createLab();
    [keystone, gophercloud] = await Promise.all([startKeystone(lab), buildGophercloudClient(lab)]);
    reader = await prepareReader(lab);
    if (!skipTerraform) return;
    // A client made as its provider is, where it is not installed.
    await writeFile(join(reader.bin, 'terraform'), `#!/bin/sh\nexec ${gophercloud}\n`, { mode: 0o755 });
  }, 600_000);
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });
  afterEach(() => {
    const text = outputs.splice(0).join('\n');
    for (const secret of CLOUD_SECRETS) expect(text).not.toContain(secret);
  });

  const openstack = async (words: string): Promise<CommandResult> =>
    await lab.client.exec(['openstack', ...words.split(' ')], {
      env: keystone.environment('demo'),
      timeoutMs: 60_000,
    });

  const isReached = async (host: string, port: number, limitS = 1): Promise<boolean> => {
    const argv = ['curl', '-sk', '-m', `${limitS}`, '-o', '/dev/null', `https://${host}:${port}/`];
    return (await lab.client.exec(argv)).code === 0;
  };

  /** Commands of README as its reader types them, with a cloud of the lab. */
  const typed = (cloud: string, commands: string): readonly string[] =>
    reader.typed(commands, [['mycloud', cloud]]);
  const startTyped = async (cloud: string, command: string): Promise<Child> => {
    const env = { ...keystone.environment(cloud), TSHUTTLE_ARGS: '-vv' };
    const child = lab.client.spawn(typed(cloud, `exec ${command}`), { env });
    await child.untilOutput(READY, 30_000);
    return child;
  };

  const run = async (cloud: string, args: readonly string[]): Promise<CommandResult> => {
    const result = await runTshuttle(lab, ['-vv', ...args], { env: keystone.environment(cloud) });
    outputs.push(result.stdout, result.stderr);
    return result;
  };

  it('admits the bastion alone', async () => {
    expect(await isReached(CLOUD_HOSTS.api.address, 5000)).toBe(false);
    const probe = ['curl', '-sk', '-m', '15', '-o', '/dev/null', `https://${CLOUD_HOSTS.api.address}:5000/`];
    expect((await lab.bastion.exec(probe)).code).toBe(0);
  });

  it('--openstack captures the host of auth_url, without any secret', async () => {
    const tshuttle = await startTyped(
      'demo',
      readmeCommand('tshuttle -r ubuntu@bastion --openstack mycloud'),
    );
    outputs.push(tshuttle.stdout, tshuttle.stderr);
    expect(tshuttle.stdout).toContain(
      `tshuttle: --openstack demo is https://${CLOUD_HOSTS.api.name}:5000/v3 (${keystone.cloudsFile}:2:`,
    );
    expect(tshuttle.stdout).toContain(`capturing ${CLOUD_HOSTS.api.address} through`);
    const token = await openstack('token issue -f value -c user_id');
    expect(token, token.stderr).toMatchObject({ code: 0 });
    expect(token.stdout).toMatch(/^[0-9a-f]{32}$/m);
    const catalog = await openstack('catalog list -f value -c Type');
    expect(catalog.stdout.trim().split('\n').sort()).toEqual([
      'compute',
      'identity',
      'image',
      'network',
      'object-store',
    ]);
    // Another address, of which auth_url says nothing.
    expect(await isReached(CLOUD_HOSTS.image.address, 9292)).toBe(false);
    await stopTshuttle(lab, tshuttle);
  });

  const CATALOG = readmeCommand('tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog');

  it.each([
    ['an application credential', 'credential', CATALOG],
    ['a password in secure.yaml', 'demo', CATALOG],
    ['an auth_url without version', 'unversioned', CATALOG],
    [
      'the openstack command',
      'demo',
      readmeCommand('tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog=cli'),
    ],
  ])(
    '--openstack-catalog captures every place of the region and no other, by %s',
    async (_what, cloud, command) => {
      const tshuttle = await startTyped(cloud, command);
      outputs.push(tshuttle.stdout, tshuttle.stderr);
      const rules = await lab.client.rules();
      expect(rules).not.toContain('10.255.0.5');
      expect(capturedPlaces(rules), rules).toEqual([...CLOUD_PLACES].sort());
      if (cloud === 'credential') {
        expect(await isReached(CLOUD_HOSTS.api.address, 7000)).toBe(false);
      }
      outputs.push(tshuttle.stderr);
      await stopTshuttle(lab, tshuttle);
    },
  );

  it('everything is then as README says, in another terminal', async () => {
    const tshuttle = await startTyped('credential', CATALOG);
    const env = { ...keystone.environment('credential'), ...terraformEnvironment(keystone) };
    await writeTerraform(reader.folder, 'reader');
    await lab.client.must(typed('credential', 'terraform init -input=false'), { env, timeoutMs: 60_000 });
    const commands = [
      readmeCommand('export OS_CLOUD=mycloud'),
      readmeCommand('openstack server list'),
      readmeCommand('terraform apply'),
    ];
    const options = { env: { ...env, OS_CLOUD: 'nobody' }, stdin: 'yes\n', timeoutMs: 60_000 };
    const done = await lab.client.exec(typed('credential', commands.join('\n')), options);
    outputs.push(done.stdout, done.stderr, tshuttle.stdout, tshuttle.stderr);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('web-1');
    const applied = skipTerraform ? 'networks [public]' : 'Apply complete!';
    expect(done.stdout).toContain(applied);
    await stopTshuttle(lab, tshuttle);

    const recipe = readmeCommand(
      'tshuttle run -r ubuntu@bastion --openstack mycloud --openstack-catalog -- terraform apply',
    );
    const run = await lab.client.exec(typed('credential', recipe), {
      env,
      stdin: 'yes\n',
      timeoutMs: 60_000,
    });
    outputs.push(run.stdout, run.stderr);
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(applied) });
    await expectNothingLeft(lab);
  });

  /** `tshuttle run` with the whole catalog of the cloud captured, by an application credential. */
  const runArgv = (args: readonly string[], command: readonly string[]): readonly string[] => {
    const [node, program, ...options] = tshuttleArgv(lab, ['--openstack', '--openstack-catalog', ...args]);
    return [node!, program!, 'run', ...options, '--', ...command];
  };
  const runCommand = async (args: readonly string[], command: string): Promise<CommandResult> => {
    const result = await lab.client.exec(runArgv(args, ['sh', '-c', command]), {
      env: keystone.environment('credential'),
      timeoutMs: 55_000,
    });
    outputs.push(result.stdout, result.stderr);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    await expectNothingLeft(lab);
    return result;
  };

  it('tshuttle run has the openstack command list servers and images, on two addresses', async () => {
    const command = 'openstack server list -f value -c Name && openstack image list -f value -c Name';
    expect((await runCommand([], command)).stdout).toMatch(/^web-1\ndebian-12$/m);
  });

  const WAYS: ReadonlyArray<readonly [string, readonly string[]]> = [
    ['redirect', []],
    ['rootless', ['--rootless']],
    ...ISOLATED,
  ];

  it.each(WAYS)('%s: a client made as the provider of Terraform is', async (_way, args) => {
    expect((await runCommand(args, gophercloud)).stdout).toMatch(/^networks \[public\]\nimage debian-12$/m);
  });

  it.skipIf(skipTerraform).each(WAYS)('%s: terraform itself, its state in the cloud', async (way, args) => {
    const { stdout } = await runCommand(args, await terraformCommand(lab, keystone, way));
    expect(stdout).toContain('Apply complete!');
    const state = await readFile(join(lab.directory, 'cloud', 'state', `${way}.tfstate`), 'utf8');
    expect(JSON.parse(state)).toMatchObject({ outputs: { where: { value: way } } });
  });

  it.each([['redirect', []] as const, ...ISOLATED])(
    '%s: no call fails when the bastion is lost between two, and one in flight is reset at once',
    async (_way, args) => {
      const environment = keystone.environment('credential');
      const slow = `https://${CLOUD_HOSTS.swift.name}:8080/slow`;
      const arrived = join(lab.directory, 'arrived');
      const inFlight = `(curl -sSNk -m 60 -o ${arrived} ${slow}; echo "in flight: $?") & exec ${gophercloud} calls`;
      const child = lab.client.spawn(runArgv(['-v', ...args], ['sh', '-c', inFlight]), {
        env: environment,
        interactive: true,
      });
      const call = async (count: number): Promise<void> => {
        child.write('\n');
        await child.untilOutput(new RegExp(`^calls ${count}$`, 'm'), 30_000);
      };
      await child.untilOutput(/^ready$/m, 30_000);
      for (let count = 1; count <= 25; count += 1) await call(count);
      await until(async () => (await readFile(arrived, 'utf8').catch(() => '')).startsWith('s'), {
        deadlineMs: 10_000,
        what: 'an answer under way',
      });
      const lostAtMs = performance.now();
      await lab.sshd.stop();
      await child.untilOutput(/^in flight: 56$/m, 10_000);
      expect(performance.now() - lostAtMs).toBeLessThan(1_000);
      const held = call(26);
      await delay(4_000);
      expect(child.stdout).not.toMatch(/^calls 26$/m);
      await lab.sshd.restart();
      await held;
      for (let count = 27; count <= 50; count += 1) await call(count);
      child.kill('SIGTERM');
      const result = await child.exited;
      outputs.push(result.stdout, result.stderr);
      expect(result.stderr).toMatch(
        new RegExp(`${CLOUD_HOSTS.swift.address}:8080: reset: the bastion was lost`),
      );
      expect(result.stderr).not.toContain('failed:');
      await expectNothingLeft(lab);
    },
  );

  it('takes a token in OS_TOKEN first, and a catalog of a file or standard input without asking anybody', async () => {
    const { token } = keystone;
    // Where Keystone answers without tshuttle.
    const listing = readmeCommand('openstack catalog list -f json > catalog.json');
    await lab.bastion.must(typed('demo', listing), { env: keystone.environment('demo'), timeoutMs: 60_000 });
    const catalog = await readFile(join(reader.folder, 'catalog.json'), 'utf8');
    const command = readmeCommand(
      'tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog=catalog.json 10.2.0.0/16',
    );
    const ofFile = await startTyped('wrong', command);
    outputs.push(ofFile.stdout, ofFile.stderr);
    expect(await isReached(CLOUD_HOSTS.image.address, 9292, 15)).toBe(true);
    expect(await lab.client.rules()).toContain('10.2.0.0/16');
    await stopTshuttle(lab, ofFile);
    const ways = [
      {
        args: ['--openstack', 'wrong', '--openstack-catalog'],
        options: { env: { ...keystone.environment('wrong'), OS_TOKEN: token } },
      },
      {
        args: ['--openstack', 'wrong', '--openstack-catalog=-'],
        options: { env: keystone.environment('wrong'), stdin: catalog },
      },
    ];
    for (const { args, options } of ways) {
      const tshuttle = await startTshuttle(lab, args, options);
      outputs.push(tshuttle.stdout, tshuttle.stderr);
      expect(await isReached(CLOUD_HOSTS.image.address, 9292, 15)).toBe(true);
      expect(`${tshuttle.stdout}${tshuttle.stderr}`).not.toContain(token);
      await stopTshuttle(lab, tshuttle);
    }
  });

  it.each([
    ['wrong', 77, /^Keystone at api\.cloud\.test:5000 refuses the user name or password \(401\) -> \S.*$/],
    ['expired', 77, /^Keystone at api\.cloud\.test:5000 refuses the application credential \(401\) -> \S.*$/],
    [
      'untrusted',
      76,
      /^api\.cloud\.test:5000: its certificate is not trusted, no certificate authority of \S+other-ca\.pem has signed it -> \S.*$/,
    ],
    [
      'mismatch',
      76,
      /^10\.77\.0\.2:5000: its certificate is for api\.cloud\.test, .*, not for 10\.77\.0\.2 -> \S.*$/,
    ],
  ])('ends with one line when the cloud is %s', async (cloud, code, line) => {
    const result = await run(cloud, ['--openstack', cloud, '--openstack-catalog']);
    expect(result, result.stderr).toMatchObject({ code });
    // With -v, off a terminal, each line is JSON.
    const lines = result.stderr.trim().split('\n');
    const errors = lines
      .map((text) => JSON.parse(text) as Readonly<Record<'level' | 'msg' | 'remedy', string>>)
      .filter(({ level }) => level === 'error')
      .map(({ msg, remedy }) => `${msg} -> ${remedy}`);
    expect(errors).toEqual([expect.stringMatching(line)]);
  });

  it('openstack check finds the endpoint whose allow-list lacks the bastion', async () => {
    const image = 'tcp dport 9292 drop';
    await lab.destination.must(['nft', 'insert', 'rule', 'inet', 'allowlist', 'input', ...image.split(' ')]);
    const [node, program, ...options] = tshuttleArgv(lab, ['credential', '--json', '-vv']);
    const argv = [node!, program!, 'openstack', 'check', ...options];
    const checked = await lab.client.exec(argv, {
      env: keystone.environment('credential'),
      timeoutMs: 50_000,
    });
    outputs.push(checked.stdout, checked.stderr);
    expect(checked, checked.stderr).toMatchObject({ code: 1 });
    const { endpoints } = JSON.parse(checked.stdout) as {
      endpoints: Array<{ services: string[]; verdict: string; direct: { kind: string } }>;
    };
    expect(
      endpoints.map(({ services, verdict, direct }) => [...services, verdict, direct.kind]).sort(),
    ).toEqual([
      ['compute', 'works', 'silent'],
      ['identity', 'works', 'silent'],
      ['image', 'not-on-allow-list', 'silent'],
      ['network', 'works', 'silent'],
      ['object-store', 'works', 'silent'],
    ]);
  });
});

/** `address:port` of all that rules capture, each once, sorted. */
function capturedPlaces(rules: string): readonly string[] {
  const maps = [...rules.matchAll(/map (\w+) \{[^}]*?elements = \{([^}]*)\}/g)];
  const addressesIn = new Map(
    maps.map(([, name, elements]) => [name, elements!.match(/\d+\.\d+\.\d+\.\d+/g) ?? []]),
  );
  const uses = [...rules.matchAll(/(?:th dport (\d+) )?ip daddr vmap @(\w+)/g)];
  const places = uses.flatMap(([, port, name]) =>
    addressesIn.get(name)!.map((address) => `${address}:${port}`),
  );
  return [...new Set(places)].sort();
}
