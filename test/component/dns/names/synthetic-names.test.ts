import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SyntheticNames } from '../../../../src/dns/names/synthetic-names.ts';
import { KnownNames } from '../../../../src/dns/zone/known-names.ts';
import { type Cidr, formatCidr } from '../../../../src/net/address/cidr.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const RANGE6 = parseCidr('fd00:7473::/96')!;

describe('SyntheticNames', () => {
  let folder: string;
  let range4: Cidr;
  let opened: SyntheticNames[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-names-'));
    // Other tests of this machine have others: blocks are locked for all of it.
    range4 = parseCidr(`198.18.${randomInt(256)}.${128 * randomInt(2)}/25`)!;
    opened = [];
  });
  afterEach(() => {
    for (const names of opened) names.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const known = new KnownNames({
    ask: async () => 'unclear',
    isDoubtful: () => false,
    nowMs: () => performance.now(),
  });

  async function open(tunnel: string, recapture: () => Promise<void> = async () => {}) {
    const logger = recordingLogger();
    const names = await SyntheticNames.open(
      { range4, range6: RANGE6, stateFolder: folder, tunnel, known, recapture },
      { families: [4], hasRoute: async () => true, addRoute: async () => {} },
      logger,
    );
    opened.push(names);
    return { names, logger };
  }
  const ask = (names: SyntheticNames, count: number, prefix = 'n') =>
    Promise.all(Array.from({ length: count }, (_, index) => names.addressOf(`${prefix}${index}.a`, 4)));

  it('of a /25 have room for twice 29, captured before they are given, and it is told that there is no more', async () => {
    const captured: string[][] = [];
    const { names, logger } = await open('a', async () => {
      captured.push(names.rules.map(({ cidr }) => formatCidr(cidr)));
    });
    const addresses = await ask(names, 58);
    expect(new Set(addresses).size).toBe(58);
    expect(addresses).not.toContain(undefined);
    expect(captured).toEqual([names.rules.map(({ cidr }) => formatCidr(cidr))]);
    expect(names.rules).toHaveLength(2);
    expect(names.status()).toEqual({ inUse: 58, capacity: 58, refused: 0 });
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/of the 58 addresses for names in zones are in use/) as string,
    ]);
    expect(await ask(names, 3, 'more')).toEqual([undefined, undefined, undefined]);
    expect(names.status().refused).toBe(3);
    expect(logger.lines.filter((line) => line.startsWith('warn more'))).toHaveLength(1);
    names.close();
    opened = [];
    const { names: again } = await open('a');
    expect(await ask(again, 58), 'after a restart').toEqual(addresses);
  });

  it('of another tunnel are others, also where it has the same zones', async () => {
    const [one, two, same] = [await open('a'), await open('b'), await open('a')];
    const all = [await ask(one.names, 40), await ask(two.names, 20), await ask(same.names, 20)].flat();
    expect(new Set(all).size).toBe(80);
    expect(all).not.toContain(undefined);
  });

  it('give nothing that is not captured', async () => {
    const { names, logger } = await open('a', () => Promise.reject(new Error('no rules today')));
    const addresses = await ask(names, 40);
    expect(addresses.filter((address) => address !== undefined)).toHaveLength(29);
    expect(names.rules).toHaveLength(1);
    expect(logger.lines.join()).toMatch(/no more addresses for names in zones: no rules today/);
  });
});
