import type { BenchResult, Failure } from './result.ts';
import { type Cell, type Figure, referenceOf, summarise } from './summary.ts';

/** Renders a result as Markdown: where it was measured, a table for every scenario, what failed. */
export function renderMarkdown(result: BenchResult): string {
  const figures = summarise(result);
  const { machine } = result;
  const sections = result.scenarios.map((scenario) => {
    const own = figures.filter((figure) => figure.scenario === scenario.name);
    return [
      `## ${scenario.title}`,
      '',
      `\`${scenario.name}\`, ${scenario.runs} interleaved ${scenario.runs === 1 ? 'run' : 'runs'}, ` +
        `congestion control ${scenario.congestionControl}.`,
      '',
      renderTable(
        own,
        result.peers.map(({ name }) => name),
      ),
    ].join('\n');
  });
  return [
    '# Benchmark',
    '',
    `${result.startedAt.slice(0, 10)}, commit ${result.commit.slice(0, 9)}` +
      `${result.hasUncommittedChanges ? ' with uncommitted changes' : ''}, ${machine.cpus} CPUs (${machine.cpu}), ` +
      `Linux ${machine.kernel}, Node.js ${result.versions['node']}, ${result.versions['openssh']}, cipher ${result.cipher}.`,
    '',
    ...result.peers.map(renderPeer),
    '',
    'A cell is the median of all runs, in brackets the lowest and the highest, then the ratio to `ssh -L`: the median of',
    `the ratios within a round. ${renderDisturbance(result)}`,
    '',
    ...sections,
    ...renderFailures(result.failures),
  ].join('\n');
}

function renderPeer({ name, version, nativeCrypto }: BenchResult['peers'][number]): string {
  const crypto =
    nativeCrypto === undefined ? '' : `, ${nativeCrypto ? 'with' : 'without'} ssh2's native crypto`;
  return `- **${name}**: ${version}${crypto}`;
}

function renderDisturbance(result: BenchResult): string {
  const disturbed = result.samples.filter(({ foreignCpuShare }) => foreignCpuShare > 0.1).length;
  if (disturbed === 0) return 'Nothing else used the machine.';
  const share = Math.round((disturbed / result.samples.length) * 100);
  return `During ${share} % of the samples other programs used more than a tenth of the CPUs.`;
}

/** One table; peers without a cell are left out. */
function renderTable(figures: readonly Figure[], peers: readonly string[]): string {
  const shown = peers.filter((peer) => figures.some(({ cells }) => cells.has(peer)));
  const rows = figures.map((figure) => [
    `${figure.name} (${figure.unit}${figure.better === 'less' ? ', less is better' : ''})`,
    ...shown.map((peer) => renderCell(figure.cells.get(peer), peer)),
  ]);
  const lines = [['', ...shown], ['---', ...shown.map(() => '---:')], ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function renderCell(cell: Cell | undefined, peer: string): string {
  if (cell === undefined) return '';
  const spread = cell.count > 1 ? ` (${number(cell.least)} to ${number(cell.most)})` : '';
  const ratio = cell.ratio === undefined || peer === referenceOf(peer) ? '' : ` **${number(cell.ratio)}x**`;
  return `${number(cell.median)}${spread}${ratio}`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function renderFailures(failures: readonly Failure[]): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(
    ({ scenario, peer, run, message }) =>
      `- ${scenario}, ${peer}, run ${run + 1}: ${message.replace(/\s+/g, ' ').slice(0, 300)}`,
  );
  return ['## What failed', '', ...lines, ''];
}
