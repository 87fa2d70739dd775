import { parseArgs } from 'node:util';
import type { Pace } from './scenarios/scenario.ts';

/** A checkout of tshuttle to measure, under a name. */
export interface Checkout {
  readonly name: string;
  readonly path: string;
}

/** What was asked for on the command line. */
export interface BenchOptions {
  /** Names of scenarios; all when empty. */
  readonly scenarios: readonly string[];
  readonly pace: Pace;
  /** Names of peers; each scenario's own choice when undefined. */
  readonly peers: readonly string[] | undefined;
  /** Rounds; each scenario's own number when undefined. */
  readonly runs: number | undefined;
  readonly checkouts: readonly Checkout[];
  /** Options for every tshuttle that is measured. */
  readonly tshuttleOptions: readonly string[];
  readonly resultsFolder: string | undefined;
}

/** Shown for --help and after a wrong command line. */
export const USAGE = `npm run bench -- [SCENARIO...] [OPTION...]

  --quick                  a subset, under 3 minutes
  --peers A,B              only these peers, in every scenario
  --runs N                 rounds of each scenario
  --tshuttle [NAME=]PATH   measure another checkout, too (repeatable)
  --tshuttle-options=TEXT  options for every tshuttle, separated by blanks
  --results FOLDER         where the results go (default: bench/results for a whole run,
                           else bench/dist/results)
  --list                   show scenarios and peers`;

/**
 * Reads the command line.
 *
 * @returns the options, or what to show instead of running.
 * @throws Error naming what is wrong with it.
 */
export function parseOptions(
  words: readonly string[],
  known: { readonly scenarios: readonly string[]; readonly peers: readonly string[] },
): BenchOptions | 'help' | 'list' {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'string' },
      runs: { type: 'string' },
      tshuttle: { type: 'string', multiple: true, default: [] },
      'tshuttle-options': { type: 'string', default: '' },
      results: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.list) return 'list';
  const checkouts = values.tshuttle.map(parseCheckout);
  const peers = values.peers?.split(',').filter(Boolean);
  refuseUnknown('scenario', positionals, known.scenarios);
  refuseUnknown('peer', peers ?? [], [...known.peers, ...checkouts.map(({ name }) => name)]);
  return {
    scenarios: positionals,
    pace: values.quick ? 'quick' : 'full',
    peers,
    runs: values.runs === undefined ? undefined : parseRuns(values.runs),
    checkouts,
    tshuttleOptions: values['tshuttle-options'].split(' ').filter(Boolean),
    resultsFolder: values.results,
  };
}

function parseCheckout(text: string, index: number): Checkout {
  const match = /^([\w.-]+)=(.+)$/.exec(text);
  return match === null
    ? { name: `tshuttle-${String.fromCharCode(98 + index)}`, path: text }
    : { name: match[1] as string, path: match[2] as string };
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error(`--runs ${text}: 1 to 100`);
  return runs;
}

function refuseUnknown(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}; there are ${known.join(', ')}`);
}
