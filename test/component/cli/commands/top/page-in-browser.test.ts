import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Stop } from '../../../../../src/app/stop.ts';
import { LiveLooks } from '../../../../../src/cli/commands/top/web/live-looks.ts';
import { servePage } from '../../../../../src/cli/commands/top/web/serve-page.ts';
import { topWeb } from '../../../../../src/cli/commands/top/web/top-web.ts';
import { ControlServer } from '../../../../../src/daemon/control/server.ts';
import { Browser } from '../../../../support/browser/browser.ts';
import { busyLook, demoLook } from '../../../../support/browser/demo-looks.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { reportOf, UP } from '../../../../support/in-process/tunnel-reports.ts';
import { until } from '../../../../support/process/until.ts';
import { FLOW, fakeTarget } from '../../../daemon/fake-target.ts';
import { Home } from '../../entry.ts';
import { ToldTunnel } from '../told-tunnel.ts';

const PICTURE = new URL('../../../../../bench/look/top-web.png', import.meta.url);
const MAXIMUM_BYTES = 120_000;
/** Of `npm run look`, which makes the pictures of README anew. */
const isWriting = process.env['TSHUTTLE_LOOK'] === 'write';

const HOSTILE = '<img src=x onerror="document.title=1">&lt;b&gt;';

/** A tunnel through which more has come at each look. */
class MovingTunnel extends ToldTunnel {
  override report() {
    const { status } = this.told;
    if (status !== null)
      this.told = { ...this.told, status: { ...status, bytesDown: status.bytesDown + 5_000_000 } };
    this.open = this.open.map((flow) => ({ ...flow, bytesDown: flow.bytesDown + 5_000_000 }));
    return super.report();
  }
}

describe('the page of top --web, in a browser', { timeout: 60_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.start();
  }, 60_000);
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
  });

  describe('of running tunnels', () => {
    let home: Home;
    let tunnel: MovingTunnel;
    let server: ControlServer;
    let stop: Stop;
    let address: string;
    let ended: Promise<number>;
    const open = async () => {
      const folder = join(home.path, 'run/tshuttle');
      server = await ControlServer.open(folder, fakeTarget(tunnel), recordingLogger());
    };

    beforeEach(async () => {
      home = await Home.make();
      tunnel = new MovingTunnel(reportOf('office', UP, '10.0.0.0/8'));
      tunnel.open = [{ ...FLOW, destination: `${HOSTILE}:443` }];
      await open();
      stop = new Stop();
      address = '';
      const process = { environment: home.environment(), stop } as never;
      ended = topWeb([], 0, { process, print: (text) => (address += text) });
      await until(() => address !== '', { deadlineMs: 5_000, what: 'the address' });
      address = address.trim();
    });
    afterEach(async () => {
      stop.request(130);
      await ended;
      await server.close();
      await home[Symbol.asyncDispose]();
    });

    test('shows them as they move, through the end of one and its return, and after a reload', async () => {
      await browser.view({ width: 1280, height: 800, scheme: 'light' });
      await browser.open(address);
      const text = await browser.untilShown(/[\d.]+ MiB\/s/);
      expect(text).toContain('● all is well');
      expect(text).toContain(`${HOSTILE}:443`);
      expect(text).toContain(UP.bastion);
      expect(await browser.evaluate('document.title')).toBe('● tshuttle');
      expect(await browser.evaluate('document.images.length')).toBe(0);
      // Nobody reads the token off the screen, and a reload finds it again.
      expect(await browser.evaluate('location.href')).toBe(address.replace(/#.*/, ''));
      await browser.reload();
      await browser.untilShown(/[\d.]+ MiB\/s/);

      await server.close();
      await browser.untilShown(/No tunnel is up/);
      tunnel.told = reportOf('office', {
        ...UP,
        state: { kind: 'waiting', sinceMs: Date.now(), for: { kind: 'user', why: 'would ask' } },
      });
      await open();
      await browser.untilShown(/○ needs you[\s\S]*needs login[\s\S]*tshuttle login office/);
      tunnel.told = reportOf('office', UP, '10.0.0.0/8');
      await browser.untilShown(/● all is well/);
      expect(browser.complaints).toEqual([]);

      // Ctrl-C ends it at once, though the page follows.
      stop.request(130);
      expect(await ended).toBe(130);
      await browser.untilShown(/tshuttle top --web does not answer/);
    });

    test('and nothing to those who have no token, another one, or come by a page or a name of theirs', async () => {
      const [page = '', token = ''] = address.split('#');
      await browser.open(`${page}#${'x'.repeat(43)}`);
      await browser.untilShown(/This address is not valid any more/);
      await browser.evaluate('sessionStorage.clear()');
      await browser.reload();
      await browser.untilShown(/needs the whole address/);
      const theirs = createServer((_request, response) => {
        response.setHeader('content-type', 'text/html').end('<title>theirs</title>');
      }).listen(0, '127.0.0.1');
      await once(theirs, 'listening');
      try {
        const { port } = theirs.address() as AddressInfo;
        await browser.open(`http://127.0.0.1:${port}/`);
        const read = (what: string, options: string) =>
          browser.evaluate(
            `fetch('${page}${what}', ${options}).then((answer) => answer.type, ({ message }) => message)`,
          );
        // Not even with the token.
        expect(await read('looks', `{ headers: { authorization: 'Bearer ${token}' } }`)).toBe(
          'Failed to fetch',
        );
        expect(await read('', '{}')).toBe('Failed to fetch');
        expect(await read('', "{ mode: 'no-cors' }")).toBe('Failed to fetch');
      } finally {
        theirs.close();
        theirs.closeAllConnections();
      }
      await browser.open(address.replace('127.0.0.1', 'rebound.localhost'));
      await browser.untilShown(/not for this name/);
      expect(await browser.evaluate('document.scripts.length')).toBe(0);
    });
  });

  test('many tunnels and flows: so many rows, and the others by filter and order', async () => {
    const token = 'busy';
    const before = browser.complaints.length;
    const server = await servePage(0, token, new LiveLooks(async () => busyLook(12, 1_200)));
    try {
      await browser.open(`http://127.0.0.1:${server.port}/#${token}`);
      const text = await browser.untilShown(/800 more; of 1,233 the 1000 that move most/);
      for (let n = 0; n < 12; n += 1) expect(text).toContain(`tunnel-${n}`);
      const rows = () =>
        browser.evaluate<readonly string[]>(
          "[...document.querySelectorAll('tbody tr')].map(({ firstChild }) => firstChild.textContent)",
        );
      expect(await rows()).toHaveLength(200);
      expect((await rows())[0]).toBe('10.0.0.0:1000');
      const press = (head: string) =>
        browser.evaluate<string>(
          `(() => { const head = [...document.querySelectorAll('th')].find(({ textContent }) => textContent === '${head}');
            head.firstChild.click(); return head.ariaSort; })()`,
        );
      expect(await press('Age')).toBe('descending');
      expect((await rows())[0]).toBe('10.0.0.249:1999');
      expect(await press('Age')).toBe('ascending');
      expect((await rows())[0]).toBe('10.0.0.0:1000');
      await browser.evaluate(
        "document.getElementById('filter').value = ':1777', document.getElementById('filter').dispatchEvent(new Event('input'))",
      );
      expect(await rows()).toEqual(['10.0.0.27:1777']);
      expect(browser.complaints.slice(before)).toEqual([]);
    } finally {
      server.close();
    }
  });

  test('the picture in README: two minutes of two tunnels', async () => {
    let second = 0;
    const looks = new LiveLooks(async () => {
      // Two minutes at once, and then as they pass.
      if (second === 120) await wait(200);
      second = Math.min(120, second + 1);
      return demoLook(second);
    }, 1);
    const token = 'demo';
    const server = await servePage(0, token, looks);
    try {
      await browser.view({ width: 1180, height: 704, scheme: 'light' });
      await browser.open(`http://127.0.0.1:${server.port}/#${token}`);
      await until(() => second === 120, { deadlineMs: 15_000, what: () => `second ${second}` });
      const text = await browser.untilShown(/7 connections refused by the destination/);
      expect(text).toMatch(/tshuttle login lab/);
      expect(text).toMatch(/db\.internal\.example:5432\s+psql 4711\s+office/);
      // As it must be of real ones.
      const { tunnels, flows } = demoLook(120);
      for (const { bytesUp, bytesDown, tunnel } of flows) {
        const { status } = tunnels.find(({ name }) => name === tunnel)!;
        expect(status!.bytesUp).toBeGreaterThanOrEqual(bytesUp);
        expect(status!.bytesDown).toBeGreaterThanOrEqual(bytesDown);
      }
      const sizes = await browser.evaluate<readonly number[]>(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      );
      expect(sizes[0]).toBe(sizes[1]);
      const png = await browser.screenshot();
      expect(png.subarray(1, 4).toString()).toBe('PNG');
      if (isWriting) await writeFile(PICTURE, png);
      for (const scheme of ['light', 'dark'] as const) {
        await browser.view({ width: 400, height: 900, scheme });
        const [whole, seen] = await browser.evaluate<readonly [number, number]>(
          '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
        );
        expect(whole, 'nothing is wider than a small screen').toBe(seen);
        if (isWriting) await writeFile(`/tmp/top-web-${scheme}.png`, await browser.screenshot());
      }
    } finally {
      server.close();
    }
  });
});

test('the picture is in README, and small', () => {
  expect(statSync(PICTURE).size).toBeLessThan(MAXIMUM_BYTES);
  const readme = readFileSync(new URL('../../../../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain('(bench/look/top-web.png)');
});
