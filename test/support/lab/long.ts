/**
 * Whether the long forms of measurements run, which take minutes: `TSHUTTLE_LONG=1 npx vitest run ...`. What is measured
 * is the same as in the short forms, which always run.
 */
export const isLong = process.env['TSHUTTLE_LONG'] === '1';

/**
 * For a test that has no short form, `it.each(ONCE_IF_LONG)('...')`: otherwise there is none, as one that is skipped counts as
 * one that this machine could not run.
 */
export const ONCE_IF_LONG: readonly [true] | readonly [] = isLong ? [true] : [];
