// The inner half of the demo, in the client's namespace and root there: sets the stage and tells the story.
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { startServer, startTshuttle } from './cast.mjs';
import { BASTION, BASTION_INSIDE, DATABASE, DATABASE_6, run, wire } from './network.mjs';
import { bold, chapter, command, dim, drawMachines, green, note, say } from './page.mjs';

const PATIENCE_MS = 1_000;
const TRANSFER_DEADLINE_MS = 20_000;
const MEBIBYTE = 1024 * 1024;

const folder = process.argv[2];
const interrupted = new Promise((resolve) => {
  process.stdin.resume().on('end', resolve).on('error', resolve); // demo.mjs is gone, or was told to stop
  process.on('SIGINT', resolve).on('SIGTERM', resolve);
});

/** Fetches once, on a connection of its own. */
function fetchOnce(url, deadlineMs) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(deadlineMs) }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
  });
}

/** A few of ssh2 1.17's new ed25519 keys are malformed: it drops a leading zero byte (lib/keygen.js). */
function generateKeyPair() {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

function writeKeys() {
  const host = generateKeyPair();
  const user = generateKeyPair();
  const file = (name) => join(folder, name);
  writeFileSync(file('host_key'), host.private, { mode: 0o600 });
  writeFileSync(file('user_key'), user.private, { mode: 0o600 });
  writeFileSync(file('user_key.pub'), user.public);
  writeFileSync(file('known_hosts'), `${BASTION} ${host.public}\n`);
}

function rules() {
  return run('nft list ruleset');
}

async function showThatItCannotBeReached() {
  chapter(1, 'Without tshuttle');
  const url = `http://${DATABASE}/`;
  try {
    await fetchOnce(url, PATIENCE_MS);
  } catch {
    command(`curl ${url}`, 'no answer');
    note(
      `There is a route, through the bastion (${run(`ip route get ${DATABASE}`).split(' uid')[0].split(' src')[0]}),`,
    );
    note('but the bastion forwards no packets. What it does is: open connections for those who log in.');
    return;
  }
  throw new Error(
    `${url} answered without tshuttle: this machine forwards packets, so the demo would show nothing`,
  );
}

async function fetchThrough(subnets, bastion) {
  chapter(2, 'With tshuttle');
  const shown = `tshuttle -r you@${BASTION} ${subnets.join(' ')}`;
  command(bold(shown));
  // No configuration of this machine's: where an ordinary user is root of a user namespace, its files belong to nobody, and
  // ssh refuses them.
  const options = ['-F', 'none', '-i', join(folder, 'user_key')];
  // The sshd of this machine is its bastion, whatever key exchange that has.
  options.push('-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`, '-o', 'WarnWeakCrypto=no');
  const tshuttle = startTshuttle(['-r', `you@${BASTION}`, ...options, ...subnets], folder);
  note(dim(await tshuttle.ready));

  for (const host of subnets.length > 1 ? [DATABASE, `[${DATABASE_6}]`] : [DATABASE]) {
    const url = `http://${host}/`;
    const { body } = await fetchOnce(url, TRANSFER_DEADLINE_MS);
    command(`curl ${url}`, green(body.toString().trim()));
  }
  const startedMs = performance.now();
  const { body, headers } = await fetchOnce(`http://${DATABASE}/large`, TRANSFER_DEADLINE_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  if (createHash('sha256').update(body).digest('hex') !== headers['x-sha256'])
    throw new Error('the large file is damaged');
  command(
    `curl http://${DATABASE}/large`,
    green(`${body.length / MEBIBYTE} MiB in ${seconds.toFixed(1)} s, SHA-256 as it should be`),
  );
  explain(bastion);
  return tshuttle;
}

function explain(bastion) {
  const { from } = bastion.events.find((event) => event.kind === 'connection');
  const connections = bastion.events.filter((event) => event.kind === 'connection').length;
  const channels = bastion.events.filter((event) => event.kind === 'channel').length;
  const redirects = rules()
    .split('\n')
    .filter((line) => line.includes('redirect to'));
  say();
  say('   What travelled which way');
  note(
    `curl      ──▶ ${DATABASE}:80, and the kernel hands the connection to tshuttle: ${dim(redirects[0]?.trim() ?? '')}`,
  );
  note(`tshuttle  ──▶ ${BASTION}:22 from ${from}: ${connections} ssh connection, ${channels} channels in it`);
  note(`bastion   ──▶ ${DATABASE}:80 from ${BASTION_INSIDE}: the database never saw ${bold('you')}`);
  note(
    `rules     in table ${/table (\S+ \S+)/.exec(rules())?.[1]}, ${rules().split('\n').length} lines, all of them tshuttle's`,
  );
}

async function stop(tshuttle) {
  chapter(3, 'Ctrl-C');
  const code = await tshuttle.stop();
  const left = rules();
  if (left !== '') throw new Error(`rules are left:\n${left}`);
  command('nft list ruleset', green('(nothing)'));
  note(`tshuttle ended with exit status ${code}; no rule is left, and ${DATABASE} is out of reach again.`);
  say();
  say('   The namespaces end with this command. Now yours: tshuttle -r user@bastion SUBNET...   (README.md)');
}

async function play() {
  writeKeys();
  const bastion = await startServer('bastion.mjs', [join(folder, 'host_key'), join(folder, 'user_key.pub')]);
  const database = await startServer('database.mjs');
  const { hasIpv6 } = wire({ bastion: bastion.pid, database: database.pid });
  await Promise.all([bastion.serve(), database.serve()]);

  drawMachines();
  await showThatItCannotBeReached();
  const tshuttle = await fetchThrough(hasIpv6 ? ['10.77.0.0/24', 'fd77::/64'] : ['10.77.0.0/24'], bastion);
  await stop(tshuttle);
  return 0;
}

// The servers end when our end of their standard input closes, tshuttle by its parent-death signal.
const outcome = await Promise.race([
  play().catch((error) => {
    console.error(`the demo failed: ${error.message}`);
    return 1;
  }),
  interrupted.then(() => 130),
]);
rmSync(folder, { recursive: true, force: true });
process.exit(outcome);
