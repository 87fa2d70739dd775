import { describe, expect, it } from 'vitest';
import { rememberLookUps } from '../../../src/ssh/look-up.ts';

describe('rememberLookUps', () => {
  it('asks once for each host and family, and again after a failure', async () => {
    const asked: string[] = [];
    let works = false;
    const lookUp = rememberLookUps(async (host, family) => {
      asked.push(`${host} ${family}`);
      if (!works) throw new Error('no name server answers');
      return [`10.0.0.${asked.length}`];
    });
    await expect(lookUp('bastion', 0)).rejects.toThrow('no name server');
    works = true;
    expect(await lookUp('bastion', 0)).toEqual(['10.0.0.2']);
    works = false;
    expect(await lookUp('bastion', 0)).toEqual(['10.0.0.2']);
    await expect(lookUp('bastion', 4)).rejects.toThrow();
    expect(asked).toEqual(['bastion 0', 'bastion 0', 'bastion 4']);
  });
});
