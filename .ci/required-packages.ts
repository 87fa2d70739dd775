import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Plugin } from 'rolldown';

const require = createRequire(import.meta.url);

const PREFIX = '\0required:';
const PACKAGE = /^(?!node:)[^./\0]/;

/** The package that a module stands for; undefined for a module of ours. */
export const packageIn = (id: string): string | undefined => (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : undefined);

/**
 * Has packages of CommonJS required instead of imported: for an import Node.js resolves and reads each of their files twice, and looks in
 * their text for what they export (native-notes/module-loading.md).
 */
export function requiredPackages(): Plugin {
  return {
    name: 'required-packages',
    resolveId: {
      filter: { id: PACKAGE },
      handler: (id, importer, { kind }) => {
        if (importer === undefined) return null;
        return kind === 'import-statement' && isCommonJs(id) ? `${PREFIX}${id}` : { id, external: true };
      },
    },
    load: {
      filter: { id: /^\0required:/ },
      handler: (id) => {
        const name = id.slice(PREFIX.length);
        const exported: unknown = require(name);
        const names = Object.keys(Object(exported)).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && key !== 'default');
        return [
          "import { createRequire } from 'node:module';",
          `const required = /* @__PURE__ */ createRequire(import.meta.url)(${JSON.stringify(name)});`,
          'export default required;',
          ...names.map((key) => `const own_${key} = /* @__PURE__ */ (() => required.${key})(); export { own_${key} as ${key} };`),
        ].join('\n');
      },
    },
  };
}

function isCommonJs(id: string): boolean {
  let file: string;
  try {
    file = require.resolve(id);
  } catch {
    return false;
  }
  const extension = extname(file);
  if (extension !== '.js') return extension === '.cjs';
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const { type } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type?: string };
      return type !== 'module';
    } catch {
      if (folder === dirname(folder)) return false;
    }
  }
}
