import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BUILDING_BLOCKS } from '../../../../src/cli/help/topics/building-blocks.ts';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { openSsh2Transport } from '../../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { writeProgram } from '../../../support/process/write-program.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

/** The blocks of ~/.ssh/config that `tshuttle help bastion` shows: the pattern of Host, and the command. */
const RECIPES = [
  ...BUILDING_BLOCKS.flatMap((block) => (block.kind === 'commands' ? block.lines : []))
    .join('\n')
    .matchAll(/^Host (\S+)\n {2}ProxyCommand (\S+)(.*)$/gm),
].map(([, pattern = '', program = '', rest = '']) => [pattern, program, rest] as const);

/** What each command must have been given for the host `NAME-1` on port 2200 as whoever runs the test. */
const ASKED: Readonly<Record<string, string>> = {
  'ssm-*':
    'ssm start-session --target ssm-1 --document-name AWS-StartSSHSession --parameters portNumber=2200',
  'eic-*': 'ec2-instance-connect open-tunnel --instance-id eic-1',
  'iap-*': 'compute start-iap-tunnel iap-1 2200 --listen-on-stdin --zone=ZONE',
  'cf-*': 'access ssh --hostname cf-1',
  'tsh-*': `proxy ssh --proxy=PROXY:443 ${userInfo().username}@tsh-1:2200`,
  'pod-*': 'exec -i deploy/bastion -- /usr/sbin/sshd -i',
};

let sshd: LoopbackSshd;
let folder: string;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-recipes-'));
  await sshd.authorize(await sshd.makeKey('key'));
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await sshd[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A command of that name which writes down its arguments, and leads to the sshd. */
function standIn(name: string): void {
  const relay = `const s = require('node:net').connect(${sshd.port}, '127.0.0.1'); process.stdin.pipe(s); s.pipe(process.stdout);`;
  const script = `#!/bin/sh\necho "$*" >${folder}/asked\nexec '${process.execPath}' -e "${relay}"\n`;
  writeProgram(join(folder, name), script);
}

describe('the recipes for bastions without an open port', () => {
  test.each(RECIPES)('Host %s by %s logs in', async (pattern, program, rest) => {
    standIn(program);
    const configFile = join(folder, 'config');
    await writeFile(configFile, `Host ${pattern}\n  ProxyCommand ${program}${rest}\n`);
    const host = pattern.replace('*', '1');
    const { options } = sshd.request([]);
    const request = {
      ...sshd.request([join(sshd.directory, 'key')]),
      options: [...options, 'StrictHostKeyChecking=no'],
      host,
      port: 2200,
      configFile,
    };
    const logger = recordingLogger();
    const { signal } = new AbortController();
    const target = await resolveTarget(request, { logger, signal });
    const transport = await openSsh2Transport(target, {
      logger,
      prompter: NO_TERMINAL,
      signal,
      onInteractive: () => {},
      heldHostKeys: new Map(),
      mayOpenSession: true,
      beforeDial: async () => {},
    });
    await transport.close();
    expect((await readFile(join(folder, 'asked'), 'utf8')).trim()).toBe(ASKED[pattern]);
  });

  test('are all tried', () => {
    expect(RECIPES.map(([pattern]) => pattern)).toEqual(Object.keys(ASKED));
  });
});
