import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSTALLATION_FOLDER } from './installation.ts';

/** `file:///.../dist/tunnel.js:12:34` in a stack trace; a path without protocol is that of a CommonJS module. */
const PLACE = /(?:file:\/\/)?\/[^\s()]+?\.js:\d+:\d+/g;

/**
 * A stack trace with places in the sources, as `src/net/endpoint.ts:12:34`, for those in our bundles; all others as they are.
 *
 * Node.js itself would read every source map when its file is loaded (`--enable-source-maps`); here they are read for a bug only.
 *
 * A package has no source maps: what is told there is a place in its bundle, of which a build of the same version knows the source.
 *
 * @returns the same where a source map cannot be read; never throws
 */
export function withSourcePositions(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replace(PLACE, (place) => {
    const [, url = '', line, column] = /^(.*):(\d+):(\d+)$/.exec(place) ?? [];
    try {
      const file = url.startsWith('file:') ? fileURLToPath(url) : url;
      if (!maps.has(file)) maps.set(file, readSourceMap(file));
      const origin = maps.get(file)?.findOrigin(Number(line), Number(column));
      if (origin === undefined || !('fileName' in origin)) return place;
      const source = relative(INSTALLATION_FOLDER, resolve(dirname(file), origin.fileName)).replaceAll(
        sep,
        '/',
      );
      return `${source}:${origin.lineNumber}:${origin.columnNumber}`;
    } catch {
      return place;
    }
  });
}

/** Only of our own bundles: a path in a message is not ours. */
function readSourceMap(file: string): SourceMap | undefined {
  if (!file.startsWith(join(INSTALLATION_FOLDER, 'dist') + sep)) return undefined;
  return new SourceMap(
    JSON.parse(readFileSync(`${file}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0],
  );
}
