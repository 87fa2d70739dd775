import { describe, expect, it } from 'vitest';
import { KnownNames, MISSING_FOR_MS, type NameFinding } from '../../../../src/dns/zone/known-names.ts';

function make(finding: NameFinding | (() => Promise<NameFinding>), isDoubtful = (_: string) => true) {
  const clock = { nowMs: 0 };
  const asked: string[] = [];
  const names = new KnownNames({
    ask: async (name) => {
      asked.push(name);
      return typeof finding === 'string' ? finding : await finding();
    },
    isDoubtful,
    nowMs: () => clock.nowMs,
  });
  return { names, asked, clock };
}

describe('KnownNames', () => {
  it('asks for a doubtful name once, and believes what it hears', async () => {
    const { names, asked } = make('missing');
    expect(await Promise.all([names.isMissing('www.a.b'), names.isMissing('WWW.a.B.')])).toEqual([
      true,
      true,
    ]);
    expect(await names.isMissing('www.a.b')).toBe(true);
    expect(asked).toEqual(['www.a.b']);
    const there = make('known');
    expect(await there.names.isMissing('db.b')).toBe(false);
    expect(await there.names.isMissing('db.b')).toBe(false);
    expect(there.asked).toHaveLength(1);
  });

  it('takes a name to be there where nobody says, and does not ask again and again', async () => {
    const { names, asked } = make('unclear');
    expect(await names.isMissing('db.b')).toBe(false);
    expect(await names.isMissing('db.b')).toBe(false);
    expect(asked).toHaveLength(1);
  });

  it('asks for no other name before it was found missing, and after that each time it is forgotten', async () => {
    const { names, asked, clock } = make('missing', () => false);
    expect(await names.isMissing('nowhere.b')).toBe(false);
    expect(asked).toEqual([]);
    names.learn('Nowhere.b', 'missing');
    expect(await names.isMissing('nowhere.b')).toBe(true);
    expect(asked).toEqual([]);
    clock.nowMs += MISSING_FOR_MS;
    expect(await names.isMissing('nowhere.b')).toBe(true);
    expect(asked).toEqual(['nowhere.b']);
  });

  it('forgets that a name is missing when somebody has connected to it', async () => {
    const { names, asked } = make('missing');
    names.learn('new.b', 'missing');
    names.learn('new.b', 'known');
    expect(await names.isMissing('new.b')).toBe(false);
    expect(asked).toEqual([]);
  });

  it('remembers a bounded number, and asks for so many at once', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { names, asked } = make(async () => {
      await held;
      return 'missing';
    });
    const asking = Array.from({ length: 1_000 }, (_, index) => names.isMissing(`n${index}.b`));
    expect(asked.length).toBe(32);
    release();
    expect((await Promise.all(asking)).filter((isMissing) => isMissing)).toHaveLength(32);
    for (let index = 0; index < 5_000; index += 1) names.learn(`m${index}.b`, 'missing');
    expect(await names.isMissing('m4999.b')).toBe(true);
    expect(asked, 'the latest are known').toHaveLength(32);
    await names.isMissing('m0.b');
    expect(asked.at(-1), 'the first are not').toBe('m0.b');
  });
});
