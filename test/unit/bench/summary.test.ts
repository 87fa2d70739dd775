import { describe, expect, it } from 'vitest';
import { summarise } from '../../../bench/report/summary.ts';
import { sample } from './sample-result.ts';

describe('a figure', () => {
  it('takes the ratio within each round, not that of the medians', () => {
    // The machine was twice as fast in the second round: within each, the peer had half of the reference.
    const [figure] = summarise({
      samples: [
        sample({ run: 0, values: [2] }),
        sample({ run: 1, values: [4] }),
        sample({ run: 2, values: [8] }),
        sample({ peer: 'tshuttle', run: 0, values: [1] }),
        sample({ peer: 'tshuttle', run: 1, values: [2] }),
      ],
    });
    expect(figure?.cells.get('tshuttle')).toMatchObject({ median: 1.5, least: 1, most: 2, ratio: 0.5 });
    expect(figure?.cells.get('ssh-L')).toMatchObject({ median: 4, ratio: 1 });
  });

  it('has no ratio where the reference was not measured', () => {
    const [figure] = summarise({ samples: [sample({ peer: 'raw' })] });
    expect(figure?.cells.get('raw')?.ratio).toBeUndefined();
  });

  it('is taken to ssh with the same cipher where a peer has one of its own', () => {
    const [figure] = summarise({
      samples: [
        sample({ values: [100] }),
        sample({ peer: 'ssh-L-chacha20', values: [4] }),
        sample({ peer: 'plain-chacha20', values: [2] }),
        sample({ peer: 'native-aes128-gcm', values: [2] }),
      ],
    });
    expect(figure?.cells.get('plain-chacha20')?.ratio).toBe(0.5);
    expect(figure?.cells.get('native-aes128-gcm')?.ratio).toBeUndefined();
  });

  it('is a pair of quantiles when the values are those of requests', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    const figures = summarise({ samples: [sample({ name: 'idle', unit: 'ms', better: 'less', values })] });
    expect(figures.map(({ name, cells }) => [name, cells.get('ssh-L')?.median])).toEqual([
      ['idle, p50', 50],
      ['idle, p99', 99],
    ]);
  });

  it('keeps metrics of the same name in different scenarios apart', () => {
    const figures = summarise({ samples: [sample(), sample({ scenario: 'long-path' })] });
    expect(figures).toHaveLength(2);
  });
});
