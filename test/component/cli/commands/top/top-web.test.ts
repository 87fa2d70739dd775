import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runInProcess } from '../../../../support/in-process/run-command.ts';
import { Child, mustRun } from '../../../../support/process/child.ts';
import { Home } from '../../entry.ts';

const BIN = fileURLToPath(new URL('../../../../../bin/tshuttle', import.meta.url));

/** Another user of this machine, where the tests may be one. */
const AS_OTHER =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

/** Reads what is left, to its end or to where it breaks off. */
async function untilEnd(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
  try {
    while (!(await reader.read()).done) {}
  } catch {
    // It broke off, which is an end.
  }
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 0],
] as const)(
  'top --web as it is built: its page, what it shows, and its end at once by %s',
  { timeout: 60_000 },
  async (signal, code) => {
    await using home = await Home.make();
    const command = new Child([BIN, 'top', '--web'], { env: home.environment() });
    try {
      const [, page = '', token = ''] = await command.untilOutput(
        /^(http:\/\/127\.0\.0\.1:\d+\/)#([\w-]{43})\n$/,
      );
      expect(await (await fetch(page)).text()).toMatch(
        /<style>:root \{[\s\S]+<script type="module">[\s\S]+Follower/,
      );
      const looks = await fetch(`${page}looks`, { headers: { authorization: `Bearer ${token}` } });
      const reader = looks.body!.getReader();
      const { value } = await reader.read();
      expect(JSON.parse(Buffer.from(value!).toString())).toMatchObject({ health: 'down', tunnels: [] });

      const asked = await mustRun([...AS_OTHER, 'curl', '-s', '-w', ' %{http_code}', `${page}looks`]);
      expect(asked).toMatch(/^only with the token .* 403$/s);
      // All users read that.
      expect(await mustRun(['ps', '-ww', '-o', 'args=', '-p', String(command.pid)])).not.toContain(token);

      command.kill(signal);
      expect((await command.exited).code).toBe(code);
      await untilEnd(reader);
    } finally {
      command.kill('SIGKILL');
    }
  },
);

test.each([
  [['--port', '8800'], /^--port: goes with --web/],
  [['--web', '--port', '0'], /^--port: 0 is no port; write one from 1 to 65535/],
  [['--web', '--port', '99999'], /^--port: 99999 is no port; write one from 1 to 65535/],
  [['--web', '--port', '8800-8801'], /^--port: .*takes a single one/],
  [['--web', '--json'], /^--web: does not go with --json/],
  [['--web', '--once'], /^--web: does not go with --once/],
])('top %j is refused', async (words, why) => {
  await using home = await Home.make();
  const { code, refused } = await runInProcess(['top', ...words], home.environment());
  expect(code).toBe(64);
  expect(refused[0]).toMatch(why);
});

test('a name that no tunnel and no profile has is refused before anything listens', async () => {
  await using home = await Home.make();
  await expect(runInProcess(['top', 'nosuch', '--web'], home.environment())).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: 'nosuch is neither a tunnel nor a profile',
  });
});
