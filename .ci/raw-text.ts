import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'rolldown';

const RAW = /\?raw$/;

/** Takes `import text from './file?raw'` in as text, as Vite does. */
export function rawText(): Plugin {
  return {
    name: 'raw-text',
    resolveId: {
      filter: { id: RAW },
      handler: (id, importer) => (importer === undefined ? null : join(dirname(importer), id)),
    },
    load: {
      filter: { id: RAW },
      handler: async (id) => {
        const text = await readFile(id.replace(RAW, ''), 'utf8');
        return { code: `export default ${JSON.stringify(text)};`, moduleType: 'js' };
      },
    },
  };
}
