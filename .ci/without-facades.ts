import { decode, encode, type SourceMapMappings } from '@jridgewell/sourcemap-codec';
import type { OutputAsset, OutputChunk, Plugin } from 'rolldown';

/** All that is in a facade. */
const FACADE = /^export\{([^{}]*)\}from"\.\/([^"]*)";\s*$/;
const IMPORT = /\bimport\((["`])\.\/([^"`]*)\1\)/g;

/**
 * Has `import('./facade.js')` import the file itself that the facade takes its exports from, and leaves the facades out: rolldown makes one for
 * each dynamic import of a module that shares its file with others, and each is one more file to resolve, to read and to link (rolldown's issue
 * 9729).
 */
export function withoutFacades(): Plugin {
  return {
    name: 'without-facades',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
      const facades = new Map(
        chunks.flatMap((chunk) => {
          const [all, names = '', target = ''] = FACADE.exec(chunk.code) ?? [];
          return all === undefined || chunk.isEntry ? [] : [[chunk.fileName, replacementOf(names, target)]];
        }),
      );
      for (const chunk of chunks) {
        if (facades.has(chunk.fileName)) {
          delete bundle[chunk.fileName];
          delete bundle[`${chunk.fileName}.map`];
          continue;
        }
        if (!chunk.dynamicImports.some((name) => facades.has(name))) continue;
        const map = bundle[`${chunk.fileName}.map`];
        if (map?.type !== 'asset') throw new Error(`${chunk.fileName} has no source map`);
        importDirectly(chunk, map, facades);
      }
    },
  };
}

/** @param names `a as open,b as close` */
function replacementOf(names: string, target: string): string {
  const fields = names.split(',').map((name) => {
    const [own = '', given = own] = name.split(' as ');
    return `${given}:m.${own}`;
  });
  return `import("./${target}").then(m=>({${fields.join(',')}}))`;
}

function importDirectly(chunk: OutputChunk, map: OutputAsset, facades: ReadonlyMap<string, string>): void {
  const content = JSON.parse(map.source.toString()) as { mappings: string };
  const mappings = decode(content.mappings);
  chunk.code = chunk.code
    .split('\n')
    .map((line, index) => {
      let shift = 0;
      return line.replace(IMPORT, (found: string, _quote: string, name: string, at: number) => {
        const replacement = facades.get(name) ?? found;
        shiftAfter(mappings[index] ?? [], at + shift, replacement.length - found.length);
        shift += replacement.length - found.length;
        return replacement;
      });
    })
    .join('\n');
  map.source = JSON.stringify({ ...content, mappings: encode(mappings) });
}

/** Columns of generated code are what comes first of each segment. */
function shiftAfter(segments: SourceMapMappings[number], column: number, by: number): void {
  for (const segment of segments) if (segment[0] > column) segment[0] += by;
}
