import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { prepareReader } from '../../support/readme/reader.ts';
import { readmeCommand } from '../../support/readme/readme-blocks.ts';
import { type Dnsmasq, startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { startPostgresql } from '../../support/servers/postgresql.ts';
import {
  expectNothingLeft,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
  untilSaid,
} from '../../support/tshuttle/tshuttle.ts';

/*
 * client: dnsmasq on 127.0.0.1 ── bastion: forwards, no sessions ── destination: HTTPS, no resolver
 *         knows *.public.example           its dnsmasq on 127.0.0.1 knows *.inner.example
 */

const NAME = 'db.inner.example';
const CACHE = 'cache.inner.example';
const RDS = 'db.cluster-x.eu-west-1.rds.amazonaws.com';
const HTTPS_PORT = 7443;
const REDIS_PORT = 7379;
/** As curl tells it: the reset may come before curl has looked at how its connect() ended. */
/** In the words of curl, which are others from 8 on. */
const RESET = /reset by peer|(?:Couldn't|Could not) connect to server/;
const HARDENED = ['ForceCommand /bin/false', 'MaxSessions 0', 'PermitTTY no'];

describe.skipIf(skipLab)('names that only the bastion resolves', () => {
  let lab: Lab;
  let outer: Dnsmasq;
  let certificate: string;

  beforeAll(async () => {
    lab = await createLab({ sshd: HARDENED });
    outer = await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: ['192.0.2.80 www.public.example'],
      options: ['--local=/public.example/', '--local=/inner.example/'],
    });
    await startDnsmasq(lab, lab.bastion, {
      name: 'bastion',
      listenAddress: '127.0.0.1',
      hosts: [
        `${ADDRESSES.destination4} ${NAME} www.inner.example`,
        `${ADDRESSES.destination4} ${CACHE} ${RDS}`,
      ],
      options: ['--local=/inner.example/'],
    });
    certificate = await makeCertificate(lab);
    await startHttps(lab);
    await startRedis(lab);
    await startPostgresql(lab, lab.destination, { listenAddress: ADDRESSES.destination4, certificate });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const dig = async (...words: string[]) => await lab.client.must(['dig', '+time=3', '+tries=1', ...words]);

  it('are reached by name through a bastion that only forwards, TLS verified against the name', async () => {
    const tshuttle = await startTshuttle(lab, ['-v', '--domain', 'inner.example']);
    expect(tshuttle.stdout).toContain('capturing names in inner.example through ');
    const address = (await dig('+short', NAME)).trim();
    expect(address).toMatch(/^198\.1[89]\./);
    expect(await dig(NAME, 'AAAA')).toContain('status: NOERROR');
    expect(await lab.client.must(['getent', 'hosts', NAME])).toContain(NAME);
    expect(await lab.client.must(['curl', '-sS', '-m5', `http://${NAME}:${HTTP_PORT}/`])).not.toBe('');
    const https = ['curl', '-sS', '-m5', '--cacert', certificate, `https://${NAME}:${HTTPS_PORT}/`];
    expect(await lab.client.must(https)).toBe(
      `host ${NAME}:${HTTPS_PORT}, from ${ADDRESSES.bastionInner4}\n`,
    );
    const other = ['curl', '-sS', '-m5', '--cacert', certificate, `https://www.inner.example:${HTTPS_PORT}/`];
    expect((await lab.client.exec(other)).stderr).toMatch(/no alternative certificate subject name/);

    await untilSaid(tshuttle, `${NAME}:${HTTP_PORT} closed`);
    expect(await dig('+short', 'www.public.example')).toBe('192.0.2.80\n');
    expect(await outer.log()).not.toContain(NAME);
    await stopTshuttle(lab, tshuttle);

    const again = await startTshuttle(lab, ['--domain', 'inner.example']);
    await dig('another.inner.example');
    expect(await dig('+short', NAME), 'after a restart').toBe(`${address}\n`);
    await stopTshuttle(lab, again);
  });

  it('reach a Redis over TLS with redis-cli, many connections at once', async () => {
    const tshuttle = await startTshuttle(lab, ['--domain', 'inner.example']);
    const redis = async (...words: string[]) =>
      await lab.client.must([
        'redis-cli',
        ...[
          '-h',
          CACHE,
          '-p',
          String(REDIS_PORT),
          '--tls',
          '--cacert',
          certificate,
          '--sni',
          CACHE,
          ...words,
        ],
      ]);
    expect(await redis('set', 'key', 'value of the inside')).toBe('OK\n');
    const values = await Promise.all(Array.from({ length: 10 }, () => redis('get', 'key')));
    expect(new Set(values)).toEqual(new Set(['value of the inside\n']));
    await stopTshuttle(lab, tshuttle);
  });

  it('reach a PostgreSQL with psql, verify-full, and its queries go through', async () => {
    const tshuttle = await startTshuttle(lab, ['--domain', 'inner.example']);
    const psql = async (host: string, statement: string) => {
      const where = `host=${host} user=alice dbname=postgres sslmode=verify-full sslrootcert=${certificate}`;
      return await lab.client.exec(['psql', `${where} connect_timeout=10`, '-AtX', '-c', statement]);
    };
    const who = 'select ssl, host(inet_client_addr()) from pg_stat_ssl where pid = pg_backend_pid()';
    expect(await psql(NAME, who)).toMatchObject({ stdout: `t|${ADDRESSES.bastionInner4}\n` });
    const long = "select sum(length(repeat('x', 1000))) from generate_series(1, 10000)";
    expect(await psql(NAME, long)).toMatchObject({ stdout: '10000000\n' });
    expect((await psql('www.inner.example', who)).stderr).toMatch(/does not match host name/);
    await stopTshuttle(lab, tshuttle);
  });

  it('reach it as README has it, by the name that AWS gives it and by one of a zone', async () => {
    const reader = await prepareReader(lab);
    await copyFile(certificate, join(reader.folder, 'rds-ca.pem'));
    const substitutes = [
      ['dbname=app', 'dbname=postgres'],
      ['internal.example', 'inner.example'],
    ] as const;
    const env = { PGUSER: 'alice', PGDATABASE: 'postgres', PGCONNECT_TIMEOUT: '10' };
    const type = async (command: string): Promise<void> => {
      const stdin = command.includes('psql') ? '\\conninfo\n' : '';
      const result = await lab.client.exec(reader.typed(command, substitutes), { env, stdin });
      expect(result, result.stderr).toMatchObject({ code: 0 });
      if (command.includes('psql'))
        expect(result.stdout).toContain('You are connected to database "postgres"');
    };
    await type(readmeCommand("tshuttle -D -r app@bastion.example.com --domain '*.rds.amazonaws.com'"));
    await type(
      readmeCommand(
        'psql "host=db.cluster-x.eu-west-1.rds.amazonaws.com sslmode=verify-full sslrootcert=rds-ca.pem dbname=app"',
      ),
    );
    process.kill((await tshuttleProcesses(lab)).main, 'SIGTERM');
    await expectNothingLeft(lab);
    await type(
      readmeCommand('tshuttle run -r bastion --domain internal.example -- psql -h db.internal.example'),
    );
    await expectNothingLeft(lab);
  });

  it('do not take names of outside in, where resolv.conf searches the zone', async () => {
    const resolvConf = join(lab.directory, 'etc', 'resolv.conf');
    const before = await readFile(resolvConf, 'utf8');
    await writeFile(resolvConf, `${before}search inner.example\noptions ndots:5\n`);
    try {
      const tshuttle = await startTshuttle(lab, ['-v', '--domain', 'inner.example']);
      await untilSaid(
        tshuttle,
        'resolv.conf searches inner.example, in --domain inner.example, with ndots:5',
      );
      expect(await dig('www.public.example.inner.example')).toContain('status: NXDOMAIN');
      expect(await dig('www.public.example.inner.example', 'AAAA')).toContain('status: NXDOMAIN');
      expect(await lab.client.must(['getent', 'ahostsv4', 'www.public.example'])).toContain('192.0.2.80');
      expect((await lab.client.exec(['getent', 'hosts', 'nowhere'])).code).toBe(2);
      // By its first label, which the search domain makes a name that is there.
      expect(await lab.client.must(['getent', 'ahostsv4', 'db'])).toMatch(/^198\.1[89]\./);
      expect(await lab.client.must(['curl', '-sS', '-m5', `http://db:${HTTP_PORT}/`])).not.toBe('');
      await stopTshuttle(lab, tshuttle);
    } finally {
      await writeFile(resolvConf, before);
    }
  });

  it('that do not exist end in a reset, are known not to from then on, and the log has the name', async () => {
    const tshuttle = await startTshuttle(lab, ['--domain', 'inner.example']);
    const curl = await lab.client.exec(['curl', '-sS', '-m5', 'http://nowhere.inner.example/']);
    expect(curl.stderr).toMatch(RESET);
    await untilSaid(tshuttle, 'nowhere.inner.example does not exist at the bastion');
    expect(await dig('nowhere.inner.example')).toContain('status: NXDOMAIN');
    expect((await lab.client.exec(['getent', 'hosts', 'nowhere.inner.example'])).code).toBe(2);
    const unknown = await lab.client.exec(['curl', '-sS', '-m5', 'http://198.18.3.3/']);
    expect(unknown.stderr).toMatch(RESET);
    await untilSaid(tshuttle, '198.18.3.3:80: reset, the address stands for no name');
    await stopTshuttle(lab, tshuttle);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'get a route where there is none, which is gone after %s',
    async (signal) => {
      await lab.client.ip(['route', 'del', 'default']);
      await lab.client.ip(['-6', 'route', 'del', 'default']);
      try {
        const before = await lab.client.ip('route show table all');
        const tshuttle = await startTshuttle(lab, ['-v', '--domain', '*.inner.example']);
        expect(await lab.client.ip('route show')).toMatch(/198\.18\.\d+\.0\/19 dev tshuttle0/);
        expect(await lab.client.must(['curl', '-sS', '-m5', `http://${NAME}:${HTTP_PORT}/`])).not.toBe('');
        expect(await dig(NAME, 'AAAA'), 'without a route of IPv6').toMatch(/ANSWER: 0/);
        if (signal === 'SIGTERM') {
          await stopTshuttle(lab, tshuttle);
        } else {
          const { main, helper } = await tshuttleProcesses(lab);
          for (const pid of [main, helper]) process.kill(pid, 'SIGKILL');
          await expectNothingLeft(lab);
        }
        await until(async () => (await lab.client.ip('route show table all')) === before, {
          deadlineMs: 2_000,
          what: 'the routes as before',
        });
        expect(await lab.client.ip('link show')).not.toMatch(/tshuttle\d/);
      } finally {
        await lab.client.ip(`route add default via ${ADDRESSES.bastion4}`);
        await lab.client.ip(`-6 route add default via ${ADDRESSES.bastion6}`);
      }
    },
  );

  it('stand in for those whose addresses no SUBNET has, and where no resolver answers', async () => {
    const inner = await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} ${NAME}`],
      options: ['--local=/inner.example/'],
    });
    const toNs = ['--domain', 'inner.example', '--to-ns', ADDRESSES.destination4];
    const without = await startTshuttle(lab, toNs);
    expect(await dig('+short', NAME)).toMatch(/^198\.1[89]\./);
    expect(await dig('nowhere.inner.example')).toContain('status: NXDOMAIN');
    expect(await lab.client.must(['curl', '-sS', '-m5', `http://${NAME}:${HTTP_PORT}/`])).not.toBe('');
    await stopTshuttle(lab, without);

    const byName = await startTshuttle(lab, [...toNs, '--resolve', 'bastion', '10.77.0.0/24']);
    const asked = (await inner.log()).length;
    expect(await dig('+short', NAME)).toMatch(/^198\.1[89]\./);
    expect((await inner.log()).length).toBe(asked);
    await stopTshuttle(lab, byName);

    const silent = await startTshuttle(lab, [
      '--domain',
      'inner.example',
      '--to-ns',
      '10.77.0.99',
      '10.77.0.0/24',
    ]);
    const patient = ['dig', '+time=9', '+tries=1', '+short', NAME];
    expect(await lab.client.must(patient)).toMatch(/^198\.1[89]\./);
    await untilSaid(silent, 'the resolver 10.77.0.99:53 cannot be reached');
    await stopTshuttle(lab, silent);
  });
});

/** For {@link NAME}, {@link CACHE} and {@link RDS}. @returns its file, beside which is the key */
async function makeCertificate(lab: Lab): Promise<string> {
  const at = (name: string): string => join(lab.directory, name);
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},DNS:${CACHE},DNS:${RDS}`];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await mustRun([
    'openssl',
    'req',
    '-x509',
    ...newKey,
    ...subject,
    '-keyout',
    at('tls.key'),
    '-out',
    at('tls.crt'),
  ]);
  return at('tls.crt');
}

async function startHttps(lab: Lab): Promise<void> {
  const file = join(lab.directory, 'https.mjs');
  const program = `
    import { readFileSync } from 'node:fs';
    import { createServer } from 'node:https';
    const [key, cert] = ['tls.key', 'tls.crt'].map((name) => readFileSync('${lab.directory}/' + name));
    createServer({ key, cert }, (request, response) => {
      response.end('host ' + request.headers.host + ', from ' + request.socket.remoteAddress.replace('::ffff:', '') + '\\n');
    }).listen(${HTTPS_PORT}, () => console.log('ready'));
  `;
  await writeFile(file, program);
  await lab.destination.spawn(['node', file]).untilOutput(/ready/);
}

/** Debian's own, with TLS only and no file. */
async function startRedis(lab: Lab): Promise<void> {
  const files = ['--tls-cert-file', 'tls.crt', '--tls-key-file', 'tls.key', '--tls-ca-cert-file', 'tls.crt'];
  const options = ['--port', '0', '--tls-port', String(REDIS_PORT), '--tls-auth-clients', 'no', '--save', ''];
  const unprotected = ['--bind', ADDRESSES.destination4, '--protected-mode', 'no', '--dir', lab.directory];
  const paths = files.map((word) => (word.startsWith('--') ? word : join(lab.directory, word)));
  await lab.destination
    .spawn(['redis-server', ...options, ...paths, ...unprotected])
    .untilOutput(/Ready to accept/);
}
