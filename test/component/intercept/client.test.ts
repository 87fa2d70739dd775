import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HelperRefusal, startHelper, startHelperWith } from '../../../src/intercept/client/client.ts';
import { selectCandidate } from '../../../src/intercept/rules/select.ts';
import { until } from '../../support/process/until.ts';

const FAKE_HELPER = fileURLToPath(new URL('./fake-helper.entry.mjs', import.meta.url));

/** A logger that keeps what it is given. */
function recorder() {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A helper that follows a script instead of touching any rule. */
function start(
  behaviour: string,
  options: { readonly helloTimeoutMs?: number; readonly replyTimeoutMs?: number } = {},
) {
  const logger = recorder();
  const command = [process.execPath, FAKE_HELPER, behaviour];
  return { logger, started: startHelper({ command, logger, ...options }) };
}

describe('startHelper', () => {
  it('speaks with a helper until it is closed', async () => {
    const client = await start('good').started;
    expect(client.pid).toBeGreaterThan(1);
    expect(await client.call({ type: 'use', candidate: 'libnftables' })).toMatchObject({ type: 'done' });
    const answers = await Promise.all([client.call({ type: 'cleanup' }), client.call({ type: 'cleanup' })]);
    expect(answers).toHaveLength(2);
    await client.close();
    await client.close();
    await expect(client.call({ type: 'cleanup' })).rejects.toMatchObject({ code: 'ERR_HELPER_LOST' });
  });

  it('throws what the system refused, and goes on', async () => {
    const client = await start('good').started;
    await expect(client.call({ type: 'look' })).rejects.toThrow(HelperRefusal);
    await client.call({ type: 'cleanup' });
    await client.close();
  });

  it('hands the lines of the helper to the log at their level, and foreign lines as warnings', async () => {
    const { logger, started } = start('talkative');
    const client = await started;
    await until(() => logger.lines.length >= 2, { deadlineMs: 5_000, what: 'two log lines' });
    expect(logger.lines).toEqual(['info: helper: hello log', 'warn: some library says hello']);
    await client.close();
  });

  it('reports a helper that ends unasked, and fails what is being asked', async () => {
    const client = await start('dies').started;
    await expect(client.call({ type: 'cleanup' })).rejects.toMatchObject({ code: 'ERR_HELPER_LOST' });
    expect(await client.lost).toMatchObject({
      code: 'ERR_HELPER_LOST',
      message: expect.stringContaining('status 3'),
    });
    await client.close();
  });

  it.each(['babble', 'wrong-id', 'long-line'])('takes %s for a broken protocol', async (behaviour) => {
    const client = await start(behaviour).started;
    await expect(client.call({ type: 'cleanup' })).rejects.toMatchObject({ code: 'ERR_HELPER_PROTOCOL' });
    expect(await client.lost).toMatchObject({ code: 'ERR_HELPER_PROTOCOL' });
    await client.close();
  });

  it('gives up on a helper that does not answer', async () => {
    const client = await start('mute', { replyTimeoutMs: 50 }).started;
    await expect(client.call({ type: 'cleanup' })).rejects.toMatchObject({ code: 'ERR_HELPER_PROTOCOL' });
    await client.close();
  });

  it('refuses a helper of another version', async () => {
    await expect(start('old').started).rejects.toMatchObject({ code: 'ERR_HELPER_PROTOCOL' });
  });

  it('does not wait for ever for a password', async () => {
    await expect(start('silent', { helloTimeoutMs: 100 }).started).rejects.toMatchObject({
      code: 'ERR_NO_PRIVILEGE',
    });
  });

  it('stops waiting when told to', async () => {
    const abort = new AbortController();
    const command = [process.execPath, FAKE_HELPER, 'silent'];
    const started = startHelper({ command, logger: recorder(), signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(started).rejects.toThrow('enough');
  });

  it('says so when rules are left at the end', async () => {
    const client = await start('leaves-rules').started;
    await expect(client.close()).rejects.toMatchObject({
      code: 'ERR_CLEANUP',
      message: expect.stringContaining('xtables lock'),
    });
  });

  it('takes a command that cannot run for missing privilege', async () => {
    const command = ['/nonexistent/sudo'];
    await expect(startHelper({ command, logger: recorder() })).rejects.toMatchObject({
      code: 'ERR_NO_PRIVILEGE',
    });
  });
});

describe('startHelperWith', () => {
  const startWith = (behaviour: string, replyTimeoutMs: number) =>
    startHelperWith(
      { type: 'cleanup' },
      { command: [process.execPath, FAKE_HELPER, behaviour], logger: recorder(), replyTimeoutMs },
    );

  it('has the request lie ready before the helper greets, and waits for the answer from then on only', async () => {
    const { client, answer } = await startWith('late', 200);
    expect(await answer).toMatchObject({ type: 'cleaned' });
    await client.close();
  });

  it.each([
    ['old', { code: 'ERR_HELPER_PROTOCOL' }],
    ['dies', { code: 'ERR_HELPER_LOST' }],
    [
      'mute',
      { code: 'ERR_HELPER_PROTOCOL', message: expect.stringContaining('no answer to cleanup within') },
    ],
  ])('of a helper that is %s: one failure, wherever it is waited for', async (behaviour, failure) => {
    const failed = startWith(behaviour, 200).then(async ({ client, answer }) => {
      await answer.finally(() => client.close());
    });
    await expect(failed).rejects.toMatchObject(failure);
  });
});

describe('the real helper without rights', () => {
  it('answers a start, and touches nothing', async () => {
    const helper = fileURLToPath(new URL('../../../bin/tshuttle-helper', import.meta.url));
    // Root keeps its uid, since another may not be able to read this checkout, and loses what it can do.
    const isRoot = process.geteuid?.() === 0;
    const powerless = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'] : [];
    const client = await startHelper({
      command: [...powerless, process.execPath, helper],
      logger: recorder(),
    });
    const answer = await client.call({ type: 'start', method: 'auto', families: [4, 6] });
    expect(answer.type).toBe('started');
    if (answer.type !== 'started') return;
    expect(answer.facts.map((fact) => fact.kind)).not.toContain('usable');
    expect(() => selectCandidate('auto', answer.facts)).toThrowError(
      expect.objectContaining({ code: 'ERR_NO_INTERCEPTOR' }),
    );
    await client.close();
  });
});
