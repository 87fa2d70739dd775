/**
 * Whether the long forms of measurements run, which take minutes: `TSHUTTLE_LONG=1 npx vitest run ...`. What is measured
 * is the same as in the short forms, which always run.
 */
export const isLong = process.env['TSHUTTLE_LONG'] === '1';
