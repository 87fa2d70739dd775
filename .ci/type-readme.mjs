// Types README on the machine that readme-as-newcomer has made, as its user alice: the blocks of code from top to bottom, and the lines in
// its prose that one would type, too. The bastion, and what is behind it, are network namespaces of the same machine.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const HOME = '/home/alice';
const REPOSITORY = `${HOME}/tshuttle`;
const README = readFileSync(`${REPOSITORY}/README.md`, 'utf8');
const SUDOERS = '/etc/sudoers.d/alice';
const MAY_ALL = 'alice ALL=(ALL) NOPASSWD: ALL\n';
const LOCAL_BIN = `${HOME}/.local/bin`;
const READY = /^tshuttle: .* through .*, by \w+; stop it with|^tshuttle: .*:8080/m;
const REACHED = 'http://10.77.0.2';
const DEADLINE_MS = 30_000;
/** The lines that are typed: all, or, to work on this file, those that match. */
const CHOSEN = new RegExp(process.argv[2] ?? '');

// --- What is expected of each line. ------------------------------------------------------------------------------------------------

/** Ends with 0, or with `code`, and says this. */
const ends = (says = /^/, hooks = {}) => ({ kind: 'ends', code: 0, says, ...hooks });
/** Goes on, and these are reached through it, and those not; ends at SIGTERM, and leaves nothing. */
const carries = (reached, hooks = {}) => ({ kind: 'carries', reached, unreached: [], ...hooks });
/** The same in the background, until tshuttle down --all. */
const daemon = (reached, hooks = {}) => ({ ...carries(reached, hooks), kind: 'daemon' });
/** Is not typed here. */
const notHere = (why) => ({ kind: 'not here', why });

const EXPECTED = {
  'npm ci && npm run demo': ends(/SHA-256 as it should be/, { where: 'machine', folder: REPOSITORY }),
  'tshuttle -r me@bastion.example.com 10.0.0.0/8': carries([`${REACHED}:5432`]),
  'tshuttle -r bastion 10.0.0.0/8:443 db.example.com:5432': carries([`${REACHED}:443`, 'http://db.example.com:5432'], {
    unreached: [`${REACHED}:6443`],
  }),
  'tshuttle -r bastion 0/0 ::/0 -x 192.168.0.0/16': carries([`${REACHED}:5432`]),
  'tshuttle -r db-gate -J me@gate.example.com 10.0.0.0/8': carries([`${REACHED}:5432`]),
  'tshuttle -D -r bastion -s networks.txt -X never.txt': daemon([`${REACHED}:5432`], {
    files: { 'networks.txt': '10.77.0.0/24\n', 'never.txt': '10.77.0.9\n' },
  }),
  'tshuttle -r bastion --domain internal.example': carries(['http://db.internal.example:5432']),
  'tshuttle -r bastion --socks 1080 --http-proxy 8080': carries([], {
    proxies: ['socks5h://127.0.0.1:1080', 'http://127.0.0.1:8080'],
  }),
  'tshuttle -r bastion --dry-run 10.0.0.0/8': ends(/10\.0\.0\.0\/8/),
  'tshuttle run -r ubuntu@bastion --openstack mycloud --openstack-catalog -- terraform apply': notHere(
    'wants a cloud: test/e2e/openstack/openstack-keystone.test.ts',
  ),
  'tshuttle run -r bastion --probe api.cluster.example:6443 api.cluster.example:6443 -- kubectl get nodes': ends(
    /^hello from 10\.77\.0\.1\n$/m,
  ),
  'tshuttle run -r bastion --domain internal.example -- psql -h db.internal.example': ends(/^hello from 10\.77\.0\.1\n$/m),
  "tshuttle -D -r app@bastion.example.com --domain '*.rds.amazonaws.com'": daemon([], { staysUp: true }),
  'psql "host=db.cluster-x.eu-west-1.rds.amazonaws.com sslmode=verify-full sslrootcert=rds-ca.pem dbname=app"': ends(
    /^hello from 10\.77\.0\.1\n$/m,
    { downAfter: true },
  ),
  'tshuttle -r me@bastion -i ~/.ssh/id_work.pub 10.0.0.0/8': notHere('asks for a code: test/e2e/bastion/second-factor.test.ts'),
  'tshuttle sudoers --install': ends(/copied the helper/),
  'tshuttle service install office': ends(/there is no systemd .*: cron starts office at boot/, { after: serviceByCron }),
  'tshuttle run --isolated -r ci@bastion.example.com -i deploy_key 10.0.0.0/8 -- ./deploy.sh': ends(
    /^hello from 10\.77\.0\.1\n$/m,
    { files: { 'deploy.sh': `#!/bin/sh\nexec curl -sS --max-time 10 ${REACHED}:443\n` } },
  ),
  'echo "-r bastion 10.0.0.0/8 -x 10.9.0.0/16" > office.conf': ends(/^$/),
  'tshuttle @office.conf': carries([`${REACHED}:5432`]),
};

/** Lines in the prose, in its order: README must have each, as it stands here. */
const PROSE = [
  ['npm ci', ends(/^/, { where: 'machine', folder: REPOSITORY })],
  ['mkdir -p ~/.local/bin && ln -s "$PWD/bin/tshuttle" ~/.local/bin/', ends(/^$/, { folder: REPOSITORY })],
  ['tshuttle -h', ends(/service install NAME/)],
  ['tshuttle man | man -l -', ends(/TSHUTTLE\(1\)/)],
  ['source <(tshuttle completion bash)', ends(/^$/)],
  ['tshuttle help', ends(/subnets/)],
];

/** Of those that want what the blocks have made; BASTION is what one is called here. */
const PROSE_AT_THE_END = [
  ['tshuttle explain db.example:5432 @office.conf', ends(/^10\.77\.0\.2:5432: captured by 10\.0\.0\.0\/8$/m)],
  ['tshuttle doctor -r BASTION db.example:5432', ends(/destination: db\.example:5432: the bastion connects to it/)],
  ['tshuttle bastion init --for debian --key ~/.ssh/id_ed25519.pub', ends(/AllowTcpForwarding/)],
  // That of these tests is Debian's own, with which it is not content.
  ['tshuttle bastion audit -r BASTION', ends(/^ok +shell: no command is run$/m, { code: 1 })],
  ['tshuttle report', ends(/^## versions/m)],
  ['tshuttle cleanup', ends(/nothing to clean up/)],
];

/** What takes the name of a profile, while it is up. */
const NAMED = [
  ['tshuttle status office', ends(/^. office +up /m)],
  ['tshuttle is-up office', ends(/^$/)],
  ['tshuttle top office', ends(/^. office +up /m)],
  ['tshuttle reload office', ends(/office/)],
  ['tshuttle logs office', ends(/^\{"level":/m)],
  ['tshuttle down office', ends(/office is down/)],
];

// --- The machine. --------------------------------------------------------------------------------------------------------------------

const must = (file, words, options = {}) => {
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`${file} ${words.join(' ')}: ${status}\n${stdout}${stderr}`);
  return stdout;
};
const ip = (text) => must('ip', text.split(' '));
const inNamespace = (name, ...words) => ['netns', 'exec', name, ...words];

function buildNetwork() {
  for (const name of ['laptop', 'bastion', 'database']) {
    ip(`netns add ${name}`);
    ip(`-n ${name} link set lo up`);
  }
  ip('-n laptop link add up0 type veth peer name down0 netns bastion');
  ip('-n bastion link add in0 type veth peer name eth0 netns database');
  for (const [name, device, address] of [
    ['laptop', 'up0', '198.51.100.2/24'],
    ['bastion', 'down0', '198.51.100.1/24'],
    ['bastion', 'in0', '10.77.0.1/24'],
    ['database', 'eth0', '10.77.0.2/24'],
  ]) {
    ip(`-n ${name} addr add ${address} dev ${device}`);
    ip(`-n ${name} link set ${device} up`);
  }
  ip('-n laptop route add default via 198.51.100.1');
  const common = '127.0.0.1 localhost fresh\n';
  const hosts = {
    laptop: '198.51.100.1 bastion.example.com gate.example.com\n10.77.0.2 db.example.com db.example api.cluster.example\n',
    bastion:
      '10.77.0.1 db-gate\n10.77.0.2 db.internal.example db.cluster-x.eu-west-1.rds.amazonaws.com db.example.com db.example\n',
  };
  for (const [name, lines] of Object.entries(hosts)) {
    mkdirSync(`/etc/netns/${name}`, { recursive: true });
    writeFileSync(`/etc/netns/${name}/hosts`, common + lines);
    writeFileSync(`/etc/netns/${name}/resolv.conf`, 'nameserver 127.0.0.1\n');
  }
}

/** One process serves all ports, and says from where it was asked. */
function startDatabase() {
  const program = `for (const port of [443, 5432, 6443]) require('http').createServer((request, answer) =>
    answer.end('hello from ' + request.socket.remoteAddress.replace('::ffff:', '') + '\\n')).listen(port)`;
  return spawn('ip', inNamespace('database', 'node', '-e', program), { stdio: 'inherit' });
}

function startBastion() {
  must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', '/etc/ssh/newcomer_key']);
  asAlice(`mkdir -p -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519`);
  for (const user of ['me', 'app', 'ci']) {
    // Without a password; one that is locked may not log in at all where PAM is not asked.
    must('useradd', ['-m', '-s', '/usr/sbin/nologin', '-p', '*', user]);
    mkdirSync(`/home/${user}/.ssh`);
    writeFileSync(`/home/${user}/.ssh/authorized_keys`, readFileSync(`${HOME}/.ssh/id_ed25519.pub`));
    must('chown', ['-R', `${user}:`, `/home/${user}/.ssh`]);
  }
  const [type, key] = readFileSync('/etc/ssh/newcomer_key.pub', 'utf8').split(' ');
  writeFileSync(`${HOME}/.ssh/known_hosts`, `* ${type} ${key}\n`);
  writeFileSync(`${HOME}/.ssh/config`, 'Host bastion\n  HostName bastion.example.com\nHost *\n  User me\n');
  must('chown', ['-R', 'alice:', `${HOME}/.ssh`]);
  mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(
    '/etc/ssh/newcomer_config',
    'HostKey /etc/ssh/newcomer_key\nPidFile none\nUsePAM no\nPasswordAuthentication no\nAllowTcpForwarding yes\n',
  );
  return spawn('ip', inNamespace('bastion', '/usr/sbin/sshd', '-D', '-e', '-f', '/etc/ssh/newcomer_config'), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

// --- The user. -------------------------------------------------------------------------------------------------------------------------

const environment = () => {
  const passed = Object.entries(process.env).filter(([name]) => /^(npm_config_registry|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy)$/.test(name));
  const own = { HOME, USER: 'alice', LOGNAME: 'alice', SHELL: '/bin/bash', LANG: 'C.UTF-8', TERM: 'xterm', MANPAGER: 'cat' };
  return { ...own, ...Object.fromEntries(passed), PATH: `${LOCAL_BIN}:/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games` };
};

/** What alice types, as words for spawn: in her laptop's network, or, where packages are fetched, in that of this machine. */
function typedBy(command, { where = 'laptop', folder = `${HOME}/work` } = {}) {
  const words = ['--reuid=alice', '--regid=alice', '--init-groups', '--', 'bash', '-c', `cd ${folder} && ${command}`];
  return where === 'laptop' ? ['ip', inNamespace('laptop', 'setpriv', ...words)] : ['setpriv', words];
}

function asAlice(command, options = {}) {
  const [file, words] = typedBy(command, { where: 'machine', folder: HOME, ...options });
  return must(file, words, { env: environment(), timeout: 600_000, killSignal: 'SIGKILL' });
}

function fetched(url, proxy) {
  const through = proxy === undefined ? '' : `--proxy ${proxy} `;
  const [file, words] = typedBy(`curl -sS --max-time 10 --noproxy '' ${through}${url}`, { folder: HOME });
  const { stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: environment() });
  return `${stdout}${stderr}`;
}

// --- Typing. ----------------------------------------------------------------------------------------------------------------------------

const failures = [];
let passed = 0;
function expect(what, isSo, shown) {
  if (isSo) passed += 1;
  else {
    failures.push(what);
    console.log(`  FAILED ${what}\n${String(shown).replaceAll(/^/gm, '    ')}`);
  }
}

async function until(what, fact) {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(50)) if (fact()) return true;
  console.log(`  not within ${DEADLINE_MS} ms: ${what}`);
  return false;
}

async function type(line, expected) {
  if (!CHOSEN.test(line)) return;
  console.log(`$ ${line}${expected.kind === 'not here' ? `   (not here: ${expected.why})` : ''}`);
  for (const [name, text] of Object.entries(expected.files ?? {})) {
    writeFileSync(`${HOME}/work/${name}`, text, { mode: 0o755 });
    must('chown', ['alice:', `${HOME}/work/${name}`]);
  }
  if (expected.kind === 'ends') {
    const [file, words] = typedBy(line, expected);
    const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: environment(), timeout: 600_000 });
    const isAsExpected = status === expected.code && expected.says.test(stdout);
    expect(`${line}: ends with ${expected.code} and says ${expected.says}`, isAsExpected, `${status}\n${stdout}${stderr}`);
  }
  if (expected.kind === 'daemon') {
    const [file, words] = typedBy(line, expected);
    const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: environment(), timeout: 60_000 });
    expect(`${line}: starts`, status === 0, `${status}\n${stdout}${stderr}`);
    expectReached(line, expected);
    if (!expected.staysUp) endAll(line);
  }
  if (expected.kind === 'carries') await typeInForeground(line, expected);
  if (expected.downAfter) endAll(line);
  await expected.after?.(line);
}

async function typeInForeground(line, expected) {
  const [file, words] = typedBy(`exec ${line}`, expected);
  const child = spawn(file, words, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  let code;
  child.on('exit', (exitCode, signal) => (code = exitCode ?? signal));
  await until(`${line} is ready`, () => READY.test(output) || code !== undefined);
  expect(`${line}: is ready`, code === undefined && READY.test(output), output);
  expectReached(line, expected);
  child.kill('SIGTERM');
  await until(`${line} ends`, () => code !== undefined);
  expect(`${line}: ends with 0`, code === 0, `${code}\n${output}`);
  expectNothingLeft(line);
}

function expectReached(line, { reached, unreached, proxies = [] }) {
  for (const url of reached) {
    const said = fetched(url);
    expect(`${line}: ${url} is reached`, said === 'hello from 10.77.0.1\n', said);
  }
  for (const url of unreached) {
    const said = fetched(url);
    expect(`${line}: ${url} is not reached`, !said.startsWith('hello'), said);
  }
  for (const proxy of proxies) {
    const said = fetched('http://db.internal.example:5432', proxy);
    expect(`${line}: ${proxy} carries`, said === 'hello from 10.77.0.1\n', said);
  }
}

function endAll(line) {
  const [file, words] = typedBy('tshuttle down --all');
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: environment() });
  expect(`${line}: goes down`, status === 0, `${stdout}${stderr}`);
  expectNothingLeft(line);
}

function expectNothingLeft(line) {
  const rules = must('ip', inNamespace('laptop', 'nft', 'list', 'ruleset'));
  expect(`${line}: leaves no rule`, rules === '', rules);
}

/** What is to hold of a service that cron starts, from its installation to its end. */
async function serviceByCron(line) {
  const run = (command) => {
    const [file, words] = typedBy(command);
    const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: environment() });
    return { status, text: `${stdout}${stderr}` };
  };
  expectReached(line, { reached: [`${REACHED}:5432`], unreached: [] });
  const listed = run('crontab -l').text;
  expect(`${line}: is in the crontab`, /^@reboot \/bin\/sh \S+\/start-at-boot # Written by tshuttle/m.test(listed), listed);
  const status = run('tshuttle service status').text;
  expect(`${line}: has a status`, /^@reboot of cron, for office: active \(running\), process id \d+/.test(status), status);

  // A machine that boots: the tunnel is down, and cron runs what it has for that; alice may start the helper alone without a password.
  endAll(line);
  writeFileSync(SUDOERS, 'alice ALL=(ALL) ALL\n');
  const cron = spawn('ip', inNamespace('laptop', 'cron', '-f'), { stdio: 'ignore' });
  await until('cron brings it up', () => fetched(`${REACHED}:5432`).startsWith('hello'));
  expectReached(`${line}, by cron`, { reached: [`${REACHED}:5432`], unreached: [] });
  cron.kill('SIGTERM');
  writeFileSync(SUDOERS, MAY_ALL);
  const removed = run('tshuttle service uninstall');
  expect(`${line}: is removed`, removed.status === 0 && /cron starts nothing of tshuttle/.test(removed.text), removed.text);
  expect(`${line}: leaves no crontab`, /no crontab for alice/.test(run('crontab -l').text), run('crontab -l').text);
  expect(`${line}: leaves no script`, !existsSync(`${HOME}/.config/tshuttle/start-at-boot`), '');
  expectNothingLeft(line);
}

// --- README. ----------------------------------------------------------------------------------------------------------------------------

function blocksOf(text) {
  return [...text.matchAll(/(<!-- not executed: .+ -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, aside, language, block]) => ({
    language,
    block,
    isTyped: aside === undefined,
  }));
}

const linesOf = (block) =>
  block
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '');

async function typeBlock({ language, block, isTyped }) {
  if (!isTyped) return;
  if (language === 'yaml') {
    mkdirSync(`${HOME}/.config/tshuttle`, { recursive: true });
    writeFileSync(`${HOME}/.config/tshuttle/config.yaml`, block);
    must('chown', ['-R', 'alice:', `${HOME}/.config`]);
    await type('tshuttle up office', daemon([`${REACHED}:5432`], { staysUp: true }));
    for (const [line, expected] of NAMED) await type(line, expected);
    expectNothingLeft('tshuttle down office');
  } else if (language === 'sudoers') {
    const printed = asAlice('tshuttle sudoers');
    expect('the line of sudoers is the one that tshuttle prints', printed.split('\n').includes(block.trim()), printed);
  } else if (language === 'sh') {
    for (const line of linesOf(block)) {
      const expected = EXPECTED[line];
      if (expected === undefined) expect(`type-readme.mjs says what this is to do: ${line}`, false, 'it has no such line');
      else await type(line, expected);
    }
  } else expect(`a block of ${language || 'no language'} is typed somehow`, false, block);
}

const filesIn = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : []).filter((name) => /tshuttle/.test(name));

/** What installs tshuttle from its package; each is removed again, and leaves nothing below its prefix. */
async function installPackage() {
  const tarball = `${REPOSITORY}/${asAlice('npm pack --silent', { folder: REPOSITORY }).trim().split('\n').at(-1)}`;
  const version = JSON.parse(readFileSync(`${REPOSITORY}/package.json`, 'utf8')).version;
  asAlice(`rm ${LOCAL_BIN}/tshuttle`);
  for (const [who, prefix, sudo] of [
    ['alice', `${HOME}/.npm-global`, ''],
    ['root', '/usr/local', 'sudo --preserve-env=npm_config_registry,NODE_EXTRA_CA_CERTS '],
  ])
    for (const scripts of ['', ' --ignore-scripts']) {
      const how = `npm install -g, as ${who}${scripts}`;
      console.log(`$ ${how}`);
      asAlice(`${sudo}npm install -g --silent --no-audit --no-fund --prefix ${prefix}${scripts} ${tarball}`);
      const said = asAlice(`PATH=${prefix}/bin:$PATH; tshuttle --version && man tshuttle | head -1 && tshuttle completion bash | bash -n`);
      expect(`${how}: runs, and has a manual page`, said.includes(version) && /TSHUTTLE\(1\)/.test(said), said);
      const [file, words] = typedBy(`PATH=${prefix}/bin:$PATH; tshuttle -D -r bastion 10.0.0.0/8`);
      const up = spawnSync(file, words, { encoding: 'utf8', env: environment(), timeout: 60_000 });
      expect(`${how}: starts`, up.status === 0, `${up.stdout}${up.stderr}`);
      expectReached(how, { reached: [`${REACHED}:5432`], unreached: [] });
      asAlice(`${prefix}/bin/tshuttle down --all`, { where: 'laptop' });
      expectNothingLeft(how);
      asAlice(`${sudo}npm uninstall -g --silent --prefix ${prefix} tshuttle`);
      expect(`${how}: leaves nothing when it is removed`, filesIn(prefix).length === 0, filesIn(prefix).join('\n'));
    }
  console.log('$ npx tshuttle');
  const said = asAlice(`npx --yes --package ${tarball} tshuttle --version`);
  expect('npx: runs', said.includes(version), said);
}

/** As README has it: the clone itself on the PATH. */
async function linkClone() {
  const { version } = JSON.parse(readFileSync(`${REPOSITORY}/package.json`, 'utf8'));
  console.log('$ npm link');
  for (const [how, prefix, sudo] of [
    ['npm link, with a prefix of one’s own', `${HOME}/.npm-global`, ''],
    ['sudo npm link', '/usr/local', 'sudo '],
  ]) {
    // Not by --prefix, which is where npm link looks for the clone, too.
    asAlice(`${sudo}env npm_config_prefix=${prefix} npm link --silent`, { folder: REPOSITORY });
    const linked = asAlice(`${prefix}/bin/tshuttle --version`);
    expect(`${how}: runs`, linked.includes(version), linked);
    asAlice(`${sudo}npm uninstall -g --silent --prefix ${prefix} tshuttle`);
    expect(`${how}: leaves nothing when it is removed`, filesIn(prefix).length === 0, filesIn(prefix).join('\n'));
    const foreign = must('find', [REPOSITORY, '-not', '-user', 'alice']);
    expect(`${how}: leaves the clone its owner's`, foreign === '', foreign.slice(0, 300));
  }
}

const { PRETTY_NAME } = Object.fromEntries(
  readFileSync('/etc/os-release', 'utf8')
    .split('\n')
    .map((line) => line.replaceAll('"', '').split('=')),
);
console.log(`${PRETTY_NAME}, Node.js ${process.version}, npm ${must('npm', ['--version']).trim()}`);
writeFileSync(SUDOERS, MAY_ALL);
buildNetwork();
for (const folder of ['work', 'bin', '.config']) asAlice(`mkdir -p ~/${folder}`);
const servers = [startDatabase(), startBastion()];
// In the place of programs that are not of tshuttle: they connect where the real ones would.
mkdirSync(LOCAL_BIN, { recursive: true });
writeFileSync('/usr/local/bin/kubectl', '#!/bin/sh\nexec curl -sS --max-time 10 http://api.cluster.example:6443\n', { mode: 0o755 });
writeFileSync(
  '/usr/local/bin/psql',
  '#!/bin/sh\ncase $1 in -h) host=$2 ;; *) host=${1#host=}; host=${host%% *} ;; esac\nexec curl -sS --max-time 10 "http://$host:5432"\n',
  { mode: 0o755 },
);
must('chown', ['-R', 'alice:', `${HOME}/.local`]);
asAlice('cp ~/.ssh/id_ed25519 ~/work/deploy_key');

const blocks = blocksOf(README);
await typeBlock(blocks[0]);
for (const [line, expected] of PROSE) {
  expect(`README has \`${line}\``, README.includes(`\`${line}\``), '');
  await type(line, expected);
}
for (const block of blocks.slice(1)) await typeBlock(block);
for (const [line, expected] of PROSE_AT_THE_END) {
  expect(`README has \`${line}\``, README.includes(`\`${line}\``), '');
  await type(line.replace('BASTION', 'bastion'), expected);
}
await type('tshuttle sudoers --uninstall', ends(/^/));
expect('nothing of the helper is left', !existsSync('/usr/local/libexec/tshuttle') && !existsSync('/etc/sudoers.d/tshuttle'), '');
if (CHOSEN.test('npm install')) await installPackage();
if (CHOSEN.test('npm link')) await linkClone();

for (const server of servers) server.kill('SIGTERM');
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
