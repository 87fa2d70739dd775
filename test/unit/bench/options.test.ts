import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../bench/options.ts';

const known = { scenarios: ['throughput', 'latency'], peers: ['ssh-L', 'tshuttle'] };

describe('parseOptions', () => {
  it('runs everything at full pace when nothing is asked', () => {
    expect(parseOptions([], known)).toEqual({
      scenarios: [],
      pace: 'full',
      peers: undefined,
      runs: undefined,
      checkouts: [],
      tshuttleOptions: [],
      resultsFolder: undefined,
    });
  });

  it('reads all options', () => {
    const words = 'latency --quick --runs 7 --peers ssh-L,before --tshuttle before=/a --tshuttle /b'.split(
      ' ',
    );
    expect(parseOptions([...words, '--tshuttle-options=--connections 4', '--results', '/r'], known)).toEqual({
      scenarios: ['latency'],
      pace: 'quick',
      peers: ['ssh-L', 'before'],
      runs: 7,
      checkouts: [
        { name: 'before', path: '/a' },
        { name: 'tshuttle-c', path: '/b' },
      ],
      tshuttleOptions: ['--connections', '4'],
      resultsFolder: '/r',
    });
  });

  it.each([
    [['nonsense'], /no scenario nonsense; there are throughput, latency/],
    [['--peers', 'ssh-L,nobody'], /no peer nobody/],
    [['--runs', '0'], /--runs 0/],
    [['--runs', 'many'], /--runs many/],
    [['--unknown'], /--unknown/],
  ])('refuses %j', (words, message) => {
    expect(() => parseOptions(words, known)).toThrow(message);
  });
});
