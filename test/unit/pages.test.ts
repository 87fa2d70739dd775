import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { marked } from 'marked';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const NAMED = /native-notes\/[\w-]+\.md/g;

/** Files of ours below a folder, what was compiled left out. */
function filesIn(folder: string, kinds: RegExp): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => kinds.test(name))
    .map((name) => join(ROOT, folder, name))
    .filter((file) => !file.startsWith(join(ROOT, 'bench/dist')));
}

function notesNamedIn(folder: string): readonly (readonly [string, string])[] {
  return filesIn(folder, /\.(ts|mjs|cjs|c|md)$/).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(NAMED)].map(([note]) => [note, file] as const),
  );
}

test('every native note that the code or another note names is there', () => {
  const named = ['src', 'test', 'bench', 'native-notes'].flatMap(notesNamedIn);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(([note]) => !existsSync(join(ROOT, note)))).toEqual([]);
});

/** The heading of a line, as GitHub makes an anchor of it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The targets of a page's links and pictures. */
function linksOf(file: string): readonly string[] {
  const links: string[] = [];
  void marked.walkTokens(marked.lexer(readFileSync(file, 'utf8')), (token) => {
    if (token.type === 'link' || token.type === 'image') links.push(token['href'] as string);
  });
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

function anchorsOf(file: string): readonly string[] {
  return marked
    .lexer(readFileSync(file, 'utf8'))
    .flatMap((token) => (token.type === 'heading' ? anchorOf(token['text'] as string) : []));
}

/** Whether a link leads somewhere, its anchor included. */
function isBroken(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
}

describe('links of our pages lead somewhere', () => {
  const pages = [join(ROOT, 'README.md'), ...['bench', 'native-notes'].flatMap((f) => filesIn(f, /\.md$/))];
  test.each(pages.map((page) => relative(ROOT, page)))('%s', (page) => {
    const file = join(ROOT, page);
    expect(linksOf(file).filter((link) => isBroken(file, link))).toEqual([]);
  });
});

const NOTES = filesIn('native-notes', /\.md$/).filter((file) => !file.endsWith('README.md'));

/** What comes behind a part's name, to the next part. */
function partOf(note: string, name: string): string | undefined {
  const [, rest] = note.split(`\n**${name}.** `);
  return rest?.split(/\n\*\*(?:Question|Answer|Checked|Source|Used by)\.\*\* /, 1)[0];
}

/** Paths of ours that a text names; braces as in a shell. */
function pathsIn(text: string): readonly string[] {
  const named = [...text.matchAll(/(?<![\w/-])(?:src|test|bench|\.ci)\/[\w./-]*(?:\{[^}]*\})?[\w./-]*/g)].map(
    ([path]) => path,
  );
  return named.flatMap((path) => {
    const [before = '', choices, after = ''] = path.split(/[{}]/);
    return choices === undefined ? [path] : choices.split(',').map((choice) => before + choice + after);
  });
}

describe('native notes', () => {
  test.each(NOTES.map((file) => relative(ROOT, file)))(
    '%s has its parts, and names code that is there',
    (page) => {
      const note = readFileSync(join(ROOT, page), 'utf8').replaceAll(/\*\*\n/g, '** ');
      const parts = ['Question', 'Answer', 'Checked', 'Source', 'Used by'];
      expect(parts.filter((part) => partOf(note, part) === undefined)).toEqual([]);
      expect(partOf(note, 'Checked')).toMatch(/20\d\d-\d\d/);
      const used = pathsIn(partOf(note, 'Used by') ?? '').map((path) => path.replace(/\.$/, ''));
      expect(used, 'code that relies on it').not.toEqual([]);
      expect(used.filter((path) => !existsSync(join(ROOT, path.replace(/\*$/, ''))))).toEqual([]);
    },
  );

  test('stand in their list, each once', () => {
    const listed = linksOf(join(ROOT, 'native-notes/README.md'));
    expect([...listed].sort()).toEqual(
      NOTES.map((file) => relative(join(ROOT, 'native-notes'), file)).sort(),
    );
  });
});

test("the files that a packet's life names are there, each once", () => {
  const page = readFileSync(join(ROOT, 'src/ssh/ssh2/channels/README.md'), 'utf8');
  const named = [...new Set([...page.matchAll(/`([\w/-]+\.ts)`/g)].map(([, name]) => `/${name}`))];
  expect(named.length).toBeGreaterThan(15);
  const files = filesIn('src', /\.ts$/);
  const found = named.map((name) => [name, files.filter((file) => file.endsWith(name)).length] as const);
  expect(found.filter(([, count]) => count !== 1)).toEqual([]);
});

describe('public CI', () => {
  const workflow = parse(readFileSync(join(ROOT, '.github/workflows/tests.yml'), 'utf8')) as {
    readonly jobs: Readonly<Record<string, Job>>;
  };
  const runOf = (job: string): string => JSON.stringify(workflow.jobs[job]?.steps);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
    readonly engines: { readonly node: string };
  };

  test('runs scripts, files and tests that are there', () => {
    const all = JSON.stringify(workflow);
    const scripts = [...all.matchAll(/npm (?:run )?(test|(?<=run )[\w:-]+)/g)].map(([, name = '']) => name);
    expect(scripts.length).toBeGreaterThan(8);
    expect(scripts.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
    expect(pathsIn(all).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('has the oldest Node.js that we take, on each Debian and Ubuntu, with those after it', () => {
    const oldest = Number(/\d+/.exec(manifest.engines.node)?.[0]);
    for (const job of ['linux', 'debian'])
      expect(workflow.jobs[job]?.strategy?.matrix['node']).toEqual([oldest, 22, 24, 26]);
  });

  test('captures on macOS and FreeBSD, and has every simulated system', () => {
    for (const job of ['macos', 'freebsd'])
      expect(runOf(job)).toMatch(/TSHUTTLE_LAB=require npm run test:loopback/);
    const { system = [], koffi = [] } = workflow.jobs['platforms']?.strategy?.matrix ?? {};
    const [, systems] =
      /\$\{PLATFORMS:-([\w ]+)\}/.exec(readFileSync(join(ROOT, '.ci/platforms'), 'utf8')) ?? [];
    expect([system.join(' '), koffi]).toEqual([systems, ['present', 'absent']]);
  });
});

interface Job {
  readonly strategy?: { readonly matrix: Readonly<Record<string, ReadonlyArray<string | number>>> };
  readonly steps: readonly unknown[];
}
