/**
 * A repeatable source of whole numbers from 0 to below `below` (mulberry32). The seed changes with every run; a failure
 * must show it, and TSHUTTLE_TEST_SEED repeats it.
 *
 * @param fixed the seed of a test that is to be the same each time
 */
export function seededRandom(fixed?: number): {
  readonly seed: number;
  readonly random: (below: number) => number;
} {
  const seed = Number(process.env['TSHUTTLE_TEST_SEED'] ?? fixed ?? Date.now() % 2 ** 32);
  let state = seed;
  const random = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
  return { seed, random };
}
