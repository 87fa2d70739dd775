import { join } from 'node:path';
import { defineConfig, type OutputOptions } from 'rolldown';
import { rawText } from './raw-text.ts';

/*
 * The build: few files, since to load one costs Node.js 0.7 ms and more, and a tunnel is made of 350; and of CommonJS, which Node.js loads sooner
 * (native-notes/module-loading.md).
 */

/** Packages are loaded from node_modules: some have native code, and each is known there by its name and version. */
const external = /^[^./]/;

/** Where .ci/build wants it first: a folder deeper than dist. */
const MAKING = process.env['TSHUTTLE_DIST'];
const FOLDER = MAKING ?? 'dist';

const output: OutputOptions = {
  dir: FOLDER,
  format: 'cjs',
  strict: true,
  sourcemap: 'hidden',
  sourcemapPathTransform: (source) => (MAKING === undefined ? source : source.replace('../', '')),
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  comments: { annotation: false, jsdoc: false },
  sourcemapExcludeSources: true,
};

/** Without white space, and names that nobody asks for are short: a third of what is published (native-notes/package-size.md). */
const withoutWhiteSpace = { codegen: { removeWhitespace: true } } as const;

/** Classes keep their names, for whoever reads a stack trace without a source map. */
const MINIFIED = { ...withoutWhiteSpace, compress: true, mangle: { toplevel: true, keepNames: { class: true, function: false } } };

/** Functions, too, and nothing is rewritten: those who let something run as root may read it. */
const READABLE = { ...withoutWhiteSpace, compress: false, mangle: { toplevel: true, keepNames: true } };

/** What is loaded one after the other until a tunnel is up. */
const TUNNEL = [
  ...['cli/running/run-tunnel', 'cli/running/surroundings', 'config/parse-config', 'config/parse/files/named-files', 'net/machine/core-limit'],
  ...['cli/suggestions/meant-profile', 'cli/running/save-when-up'],
  ...['tunnel/open-tunnel', 'dns/names/captured-dns', 'tunnel/bastion/bastion', 'ssh/ssh2/connection/handshake', 'ssh/ssh2/connected-transport'],
];

/** What each command loads, and the short ones that ask running tunnels. */
const COMMANDS = [
  ...['cli/program/run-process', 'cli/program/tshuttle', 'app/running-tunnels/user-folders', 'app/running-tunnels/running-tunnels', 'app/running-tunnels/tunnel-views'],
  ...['cli/commands/status/status-command', 'cli/rendering/status-text', 'ssh/config/algorithms'],
  ...['app/running-tunnels/profile-surroundings', 'config/profiles/profile-places', 'config/profiles/may-have-targets', 'intercept/rules/refused-udp'],
  // Of several tunnels, whose networks are compared: two files of theirs, and not the tunnel's own 394 kB.
  'app/keep-up/shared-networks',
];

type Graph = { getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null };

/** A module, and all that is loaded with it. @throws Error when there is no such file */
function closureOf(id: string, graph: Graph, into = new Set<string>()): Set<string> {
  if (into.has(id)) return into;
  into.add(id);
  if (external.test(id)) return into;
  const module = graph.getModuleInfo(id);
  if (module === null) throw new Error(`.ci/rolldown.config.ts names ${id}, which is not there`);
  for (const imported of module.importedIds) closureOf(imported, graph, into);
  return into;
}

const closureOfAll = (names: readonly string[], graph: Graph): Set<string> => {
  const all = new Set<string>();
  for (const name of names) closureOf(join(import.meta.dirname, '..', 'src', `${name}.ts`), graph, all);
  return all;
};

/**
 * The file that a module goes to: one for what most commands load, and for what only a tunnel does one for each
 * selection of packages that comes with it, so that no package is loaded for a command that needs another part.
 */
function fileOf(id: string, graph: Graph): string | null {
  if (id.endsWith('/src/cli/main.ts')) return null;
  if (closureOfAll(['cli/main'], graph).has(id)) return 'version';
  const externals = [...closureOf(id, graph)].filter((one) => external.test(one) && !one.startsWith('node:'));
  const packages = new Set(externals.map((one) => /^(?:@[^/]+\/)?[^/]+/.exec(one)![0]));
  const suffix = [...packages].sort().map((name) => `-${name.replaceAll(/\W/g, '')}`).join('');
  if (closureOfAll(COMMANDS, graph).has(id)) return `command${suffix}`;
  return closureOfAll(TUNNEL, graph).has(id) ? `tunnel${suffix}` : null;
}

/** What runs as root is copied as a whole: two programs, and what they share. */
const rootPrograms = defineConfig({
  input: { helper: 'src/intercept/root/main.ts', guardian: 'src/intercept/root/guardian/guardian.ts' },
  platform: 'node',
  external,
  output: { ...output, minify: READABLE, dir: `${FOLDER}/root`, codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] } },
});

export default defineConfig([
  {
    input: { main: 'src/cli/main.ts' },
    preserveEntrySignatures: 'allow-extension',
    platform: 'node',
    external,
    plugins: [rawText()],
    output: { ...output, minify: MINIFIED, cleanDir: true, codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'few files', name: fileOf }] } },
  },
  rootPrograms,
  {
    input: { 'namespace-holder': 'src/net/machine/namespace/namespace-holder.ts' },
    platform: 'node',
    external,
    output: { ...output, minify: READABLE, codeSplitting: false },
  },
]);
