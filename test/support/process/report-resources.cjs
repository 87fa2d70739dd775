// Preloaded into a node process (--expose-gc --require): on SIGUSR2 it writes to the file that REPORT_RESOURCES names what
// keeps its event loop alive, by kind, and how many bytes are left after a full collection.
const { renameSync, writeFileSync } = require('node:fs');

const file = process.env.REPORT_RESOURCES;
process.on('SIGUSR2', () => {
  globalThis.gc();
  const active = {};
  for (const kind of process.getActiveResourcesInfo()) active[kind] = (active[kind] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${file}.new`, JSON.stringify({ active, bytes: heapUsed + external }));
  renameSync(`${file}.new`, file);
});
