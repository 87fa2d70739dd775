import { expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import { splitShellWords } from '../../../../src/config/parse/shell-words.ts';
import { renderProblem } from '../../../../src/core/problem.ts';

const NAMES = { profiles: ['office', 'lab'], topics: ['recipes', 'names', 'log', 'ERR_USAGE'] };

async function said(text: string): Promise<readonly string[] | string> {
  const split = splitShellWords(text);
  if (split.kind === 'invalid') throw new Error(split.what);
  const invocation = await parseArguments(split.words, '1.2.3', () => Promise.resolve(NAMES));
  return invocation.kind === 'refused' ? invocation.problems.map(renderProblem) : invocation.kind;
}

test.each<[string, string]>([
  ['office', 'office: is a profile; write tshuttle up office'],
  ['office lab', 'office: is a profile; write tshuttle up office lab'],
  ['office up', 'office: is a profile; write tshuttle up office'],
  ['office down', 'office: is a profile; write tshuttle down office'],
  ['ofice', 'ofice: is not a command; perhaps tshuttle up office'],
  ['stauts', 'stauts: is not a command; perhaps tshuttle status'],
  ['STATUS office', 'STATUS: is not a command; write tshuttle status office'],
  ['log -f office', 'log: is not a command; write tshuttle logs office'],
  ['openstak check', 'openstak: is not a command; perhaps tshuttle openstack check'],
  ['bastion-init', 'bastion-init: is not a command; write tshuttle bastion init'],
  ['bastoin-init', 'bastoin-init: is not a command; perhaps tshuttle bastion init'],
  ['audit', 'audit: is not a command; write tshuttle bastion audit'],
  ['start office', 'start: is not a command; write tshuttle up office'],
  ['stop office', 'stop: is not a command; write tshuttle down office'],
  ['version', 'version: is not a command; write tshuttle --version'],
  ['recipes', 'recipes: is not a command; write tshuttle help recipes'],
  ['recipe', 'recipe: is not a command; perhaps tshuttle help recipes'],
  ['err_usage', 'err_usage: is not a command; write tshuttle help ERR_USAGE'],
  ['me@bastion', 'me@bastion: is not a SUBNET; for a bastion write tshuttle -r me@bastion'],
  [
    'me@bastion 10.0.0.0/8',
    'me@bastion: is not a SUBNET; for a bastion write tshuttle -r me@bastion 10.0.0.0/8',
  ],
  [
    'me:hush@bastion 10.0.0.0/8',
    'me:***@bastion: is not a SUBNET; for a bastion write tshuttle -r me:***@bastion 10.0.0.0/8',
  ],
  [
    'bastion 10.0.0.0/8',
    'bastion 10.0.0.0/8: is not a command; for a bastion of this name write tshuttle -r bastion 10.0.0.0/8',
  ],
  ['config validate x.yaml', 'config validate: is not a command; perhaps tshuttle config check x.yaml'],
  ['gate rm cloud', 'gate rm: is not a command; perhaps tshuttle gate remove cloud'],
  ['target ls', 'target ls: is not a command; perhaps tshuttle target list'],
  ['-r h -p 2222 10.0.0.0/8', '-p: is not an option; the port goes after the bastion: -r h:2222'],
  ['-r h -p2222 10.0.0.0/8', '-p2222: is not an option; the port goes after the bastion: -r h:2222'],
  ['--port=2222 -r me@h:22 0/0', '--port: is not an option; the port goes after the bastion: -r me@h:2222'],
  ['--prot 22 -r h 0/0', '--prot: is not an option; as for --port, the port goes after the bastion: -r h:22'],
  ['--prot=22 -r h 0/0', '--prot: is not an option; as for --port, the port goes after the bastion: -r h:22'],
  [
    '-r h --pasword x 0/0',
    '--pasword: is not an option; as for --password, a password is asked for, on the terminal or by SSH_ASKPASS',
  ],
  // Two slips from --port, and one from an option that only commands have.
  ['-r h --prob 22 0/0', '--prob: is not an option'],
  ['-p 2222 0/0', '-p: is not an option; the port goes after the bastion: -r HOST:2222'],
  ['-p 2222 -r me:hush@h 0/0', '-p: is not an option; the port goes after the bastion: -r HOST:2222'],
  ['-r h:22 -u me 0/0', '-u: is not an option; the user goes before the bastion: -r me@h:22'],
  ['-r h -d 0/0', '-d: is not an option; -D runs it in the background'],
  ['-r h -f 0/0', '-f: is not an option; -D runs it in the background'],
  ['-r h --profile office', '--profile: is not an option; start a profile with tshuttle up office'],
  [
    '-r h --dns-server 10.0.0.2 0/0',
    '--dns-server: is not an option; --dns captures queries, and --to-ns 10.0.0.2 names who answers them',
  ],
  ['--status', '--status: is not an option; a command has no dashes: tshuttle status'],
  ['-version', '-version: is not an option; with two dashes it is --version'],
  ['-help', '-help: is not an option; with two dashes it is --help'],
  ['-r h -socks 1080', '-socks: is not an option; with two dashes it is --socks'],
  ['-r h -exclude=10.1.0.0/16 0/0', '-exclude: is not an option; with two dashes it is --exclude'],
  ['status -json', '-json: is not an option; with two dashes it is --json'],
  ['-r h --identity-key k 0/0', '--identity-key: is not an option; perhaps --identity'],
  ['-r h -j x 0/0', '-j: is not an option; perhaps -J'],
])('%s', async (text, problem) => {
  expect(await said(text)).toEqual([problem]);
});

test.each(['10.0.0.0/8', 'db.example.com', 'db:5432', '-r h office', '-r h stauts', '-r h me@x', '-s nets'])(
  '%s is a tunnel: it may be meant as it is',
  async (text) => {
    expect(await said(text)).toBe('tunnel');
  },
);

test('a group alone says what follows it, with one line to type', async () => {
  expect(await said('gate')).toEqual([
    'gate: is followed by one of create, add, list, show, remove, keys, as in tshuttle gate list',
  ]);
});

test('a line that is suggested is quoted as a shell needs it, and not endless', async () => {
  expect(await said("start 'a b;c'")).toEqual(["start: is not a command; write tshuttle up 'a b;c'"]);
  const [long = ''] = await said(`start ${'x '.repeat(30).trim()}`);
  expect(long.endsWith(' x ...')).toBe(true);
});
