import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OfficeScene } from './office-scene.ts';
import { expectSnapshot, openTerminal, SIZES, throughPipe } from './screens.ts';

const COMMON = { level: 'info', time: '2026-12-01T12:34:56.000Z', pid: 1 };
const LINES = [
  {
    ...COMMON,
    destination: '10.0.0.8:5432',
    end: 'carried',
    msg: '10.0.0.8:5432 closed after 3.2 s, 4.0 KiB up, 1.2 MiB down',
  },
  {
    ...{ ...COMMON, level: 'warn' },
    msg: 'the bastion does not permit 172.19.0.9:443, or anything at all; which of the two it does not tell',
    remedy:
      'ask for AllowTcpForwarding yes, or PermitOpen for this destination, in sshd_config of the bastion',
  },
];

test('logs is sentences in every terminal, broken between words, and JSON through a pipe', async () => {
  await using scene = await OfficeScene.open([]);
  const { home } = scene;
  const folder = join(home.path, '.local/state/tshuttle');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const json = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');
  await writeFile(join(folder, 'stage.log'), json, { mode: 0o600 });

  const shown = async (size: (typeof SIZES)[number], more: Readonly<Record<string, string>> = {}) => {
    await using terminal = await openTerminal(home, 'tshuttle logs stage', size, { TZ: 'UTC', ...more });
    await terminal.shows(/<ended with 0>/);
    const { rows, lines, coloured } = await terminal.everything();
    expect(rows).toEqual(lines);
    const page = `# ${size.columns}x${size.rows}\n${rows.slice(0, -1).join('\n')}\n`;
    return { page, isColoured: coloured.includes('\u001b[3') };
  };
  const pages = await Promise.all(SIZES.map((size) => shown(size)));
  expect(pages.every(({ isColoured }) => isColoured)).toBe(true);
  await expectSnapshot(
    pages.map(({ page }) => page),
    'logs',
  );
  for (const plain of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    expect(await shown(SIZES[0], plain)).toEqual({ page: pages[0]!.page, isColoured: false });
  for (const line of ['tshuttle logs stage', 'tshuttle logs stage --json'])
    expect(await throughPipe(home, line)).toMatchObject({ code: 0, stdout: json, stderr: '' });
}, 60_000);
