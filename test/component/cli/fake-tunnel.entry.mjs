// The real command line and the real process, with a tunnel that only pretends; FAKE_TUNNEL says what it does.
import { appendFileSync } from 'node:fs';
import { runProcess } from '../../../src/cli/program/run-process.ts';
import { tshuttle } from '../../../src/cli/program/tshuttle.ts';
import { TshuttleError } from '../../../src/core/errors.ts';

const behaviour = process.env.FAKE_TUNNEL ?? 'up';
const note = (text) => {
  if (process.env.FAKE_NOTES !== undefined) appendFileSync(process.env.FAKE_NOTES, `${text}\n`);
};
const lost = () => new TshuttleError('ERR_BASTION_LOST', 'the bastion is gone', { remedy: 'start again' });

async function openTunnel({ remotes: [remote] }, { logger, prompter, signal, onStep }) {
  note(`opening ${process.pid}`);
  note(`files ${JSON.stringify(remote.identityFiles)} ${JSON.stringify(remote.options)}`);
  const handle = setInterval(() => {}, 1_000);
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  if (behaviour === 'refused') {
    throw new TshuttleError('ERR_BASTION_AUTH', 'me@bastion refused every key', {
      remedy: 'give one with -i',
    });
  }
  if (behaviour === 'bug') throw new Error('a bug');
  if (behaviour === 'never') {
    await aborted;
    clearInterval(handle);
    note('aborted');
    throw new Error('aborted');
  }
  if (behaviour === 'slow-ask') {
    onStep?.('connecting to h');
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    logger.warn('slow');
    await new Promise((resolve) => setTimeout(resolve, 1_300));
  }
  if (behaviour === 'ask' || behaviour === 'slow-ask') {
    prompter.show('a banner');
    const secret = await prompter.ask('Password:', { echo: false });
    const shown = await prompter.ask('Continue (yes/no)?', { echo: true });
    note(`answers ${JSON.stringify([prompter.available, secret, shown])}`);
    if (signal.aborted) {
      clearInterval(handle);
      throw new Error('aborted');
    }
  }
  logger.warn('a warning', { password: 'secret' });
  logger.info('a flow ended');
  logger.debug('a detail');
  note('up');
  if (behaviour === 'late-bug') setTimeout(() => Promise.reject(new Error('a late bug')), 50);
  return {
    readyLine: `pretending for ${remote.host}`,
    proxies: [],
    status: () => ({
      state: { kind: 'up', sinceMs: Date.now() },
      bastion: remote.host,
      roundTripMs: null,
      flows: { now: 0, held: 0, total: 0, opened: 0 },
      failures: [],
      bytesUp: 0,
      bytesDown: 0,
      names: null,
      reconnects: 0,
      algorithms: null,
      captureProblems: [],
      lastError: null,
      advice: null,
    }),
    onChange: () => () => {},
    flows: () => [],
    endings: () => [],
    setRules: async () => {},
    checkCapture: async () => {},
    open: (_destination, openSignal) =>
      new Promise((_resolve, reject) => {
        note('probed');
        openSignal.addEventListener('abort', () => reject(openSignal.reason));
      }),
    lost: new Promise((resolve) => {
      if (behaviour === 'lost') setTimeout(() => resolve(lost()), 50);
      process.on('SIGUSR2', () => resolve(lost()));
    }),
    async close() {
      note('closing');
      if (behaviour === 'slow-close') await new Promise((resolve) => setTimeout(resolve, 700));
      if (behaviour === 'stuck-close') await new Promise(() => {});
      clearInterval(handle);
      note('closed');
    },
  };
}

const cleanUp = async () => ({
  removed: ['nft table inet tshuttle-1'],
  kept: ['nft table inet tshuttle-2 (its instance is running)'],
  failed: [],
});

await runProcess((context) => tshuttle(context, { openTunnel, cleanUp }));
