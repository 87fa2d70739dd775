import type { FakeKernel, FakeRules, FakeRuleset, FakeState } from './fake-pf.ts';

/** How a tool of the fake ended. */
export interface FakeToolResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NOISE = 'No ALTQ support in kernel\nALTQ related functions disabled\n';

const RULE = /^(?:rdr|pass|block) /;
const TABLE = /^table <(?!all>)[a-z]\w*> \{ .+ \}$/;

/** What pfctl(8) does for a command line, as far as tshuttle and those who disturb it use it. */
export function fakePfctl(kernel: FakeKernel, argv: readonly string[], input: string): FakeToolResult {
  const failed = (reason: string): FakeToolResult => ({
    status: 1,
    stdout: '',
    stderr: `${kernel.platform === 'darwin' ? NOISE : ''}${reason}\n`,
  });
  const done = (stdout: string, stderr = ''): FakeToolResult => ({
    status: 0,
    stdout,
    stderr: `${kernel.platform === 'darwin' ? NOISE : ''}${stderr}`,
  });
  const refusal = argv.map((word) => kernel.refusals[word]).find((reason) => reason !== undefined);
  if (refusal !== undefined) return failed(refusal);
  const after = (option: string): string | undefined => {
    const index = argv.indexOf(option);
    return index < 0 ? undefined : argv[index + 1];
  };
  const anchor = after('-a');
  if (argv.includes('-f')) {
    const wrong = input.split('\n').findIndex((line) => line !== '' && !RULE.test(line) && !TABLE.test(line));
    if (wrong >= 0)
      return failed(
        `stdin:${wrong + 1}: syntax error\npfctl: Syntax error in config file: pf rules not loaded`,
      );
    if (!argv.includes('-n')) load(kernel, anchor, input);
    return done('');
  }
  if (argv.includes('-F')) {
    flush(kernel, anchor);
    return done('', 'rules cleared\nnat cleared\n0 tables deleted.\n');
  }
  if (argv.includes('-E')) {
    kernel.lastToken += 1;
    kernel.tokens.push(`${kernel.lastToken}`);
    const already = kernel.isEnabled ? 'pf already enabled' : 'pf enabled';
    kernel.isEnabled = true;
    return done('', `${already}\nToken : ${kernel.lastToken}\n`);
  }
  const token = after('-X');
  if (token !== undefined) return release(kernel, token, done, failed);
  if (argv.includes('-d')) {
    kernel.isEnabled = false;
    kernel.tokens = [];
    return done('', 'pf disabled\n');
  }
  const shown = after('-s');
  const text = shown === undefined ? undefined : show(kernel, shown, anchor, argv.includes('-vv'));
  return text === undefined ? failed('pfctl: DIOCGETRULES: Invalid argument') : done(text);
}

function release(
  kernel: FakeKernel,
  token: string,
  done: (stdout: string, stderr?: string) => FakeToolResult,
  failed: (reason: string) => FakeToolResult,
): FakeToolResult {
  if (!kernel.isEnabled) return failed('pfctl: pf not enabled');
  if (!kernel.tokens.includes(token)) return failed('pfctl: pf: token invalid');
  kernel.tokens = kernel.tokens.filter((one) => one !== token);
  kernel.isEnabled = kernel.tokens.length > 0;
  return done(
    '',
    kernel.isEnabled ? `disable request successful. ${kernel.tokens.length} more\n` : 'pf disabled\n',
  );
}

function rulesetOf(kernel: FakeKernel, anchor: string | undefined): FakeRuleset | undefined {
  return anchor === undefined ? kernel.main : kernel.anchors[anchor];
}

function replace(rules: FakeRules, lines: string[]): FakeRules {
  return { lines, ticket: rules.ticket + 1 };
}

function load(kernel: FakeKernel, anchor: string | undefined, input: string): void {
  const lines = input.split('\n').filter((line) => line !== '');
  const empty: FakeRuleset = { rdr: { lines: [], ticket: 0 }, filter: { lines: [], ticket: 0 }, tables: [] };
  const before = rulesetOf(kernel, anchor) ?? empty;
  const after: FakeRuleset = {
    rdr: replace(
      before.rdr,
      lines.filter((line) => line.startsWith('rdr ')),
    ),
    filter: replace(
      before.filter,
      lines.filter((line) => /^(?:pass|block) /.test(line)),
    ),
    tables: lines.filter((line) => line.startsWith('table ')),
  };
  if (anchor === undefined) kernel.main = after;
  else kernel.anchors[anchor] = after;
}

function flush(kernel: FakeKernel, anchor: string | undefined): void {
  const ruleset = rulesetOf(kernel, anchor);
  if (ruleset === undefined) return;
  ruleset.rdr = replace(ruleset.rdr, []);
  ruleset.filter = replace(ruleset.filter, []);
  ruleset.tables = [];
  if (anchor === undefined) kernel.states = [];
}

/** @returns undefined where there is no such anchor */
function show(
  kernel: FakeKernel,
  what: string,
  anchor: string | undefined,
  isNumbered: boolean,
): string | undefined {
  switch (what) {
    case 'info':
      return `Status: ${kernel.isEnabled ? 'Enabled' : 'Disabled'} for 0 days 00:01:07     Debug: Urgent\n\nState Table                          Total             Rate\n  current entries                ${`${2 * kernel.states.length + kernel.otherStates}`.padStart(12)}               \n`;
    case 'memory':
      return `states        hard limit ${`${kernel.stateLimit}`.padStart(8)}\nsrc-nodes     hard limit    10000\n`;
    case 'Interfaces':
      return `lo0${kernel.skipsLoopback ? ' (skip)' : ''}\n\tCleared:     Mon Nov 30 09:00:00 2026\nen0\n`;
    case 'Anchors':
      return Object.keys(kernel.anchors)
        .map((path) => `  ${path}\n`)
        .join('');
    case 'state':
      return kernel.states.map((state) => stateLine(kernel, state)).join('');
    case 'rules':
    case 'nat': {
      const ruleset = rulesetOf(kernel, anchor);
      if (ruleset === undefined) return undefined;
      const { lines } = what === 'rules' ? ruleset.filter : ruleset.rdr;
      return lines.map((line, index) => `${isNumbered ? `@${index} ` : ''}${line}\n`).join('');
    }
    default:
      return '';
  }
}

function stateLine(kernel: FakeKernel, { originator, listener, destination, phase }: FakeState): string {
  const text = ({ family, address, port }: typeof originator): string =>
    family === 4 ? `${address}:${port}` : `${address}[${port}]`;
  const ends = phase ?? 'ESTABLISHED:ESTABLISHED';
  const [outgoing, incoming] =
    kernel.platform === 'darwin'
      ? ['ALL', `ALL tcp ${text(listener)} <- ${text(destination)} <- ${text(originator)}`]
      : ['all', `all tcp ${text(listener)} (${text(destination)}) <- ${text(originator)}`];
  return `${outgoing} tcp ${text(originator)} -> ${text(destination)}       ${ends}\n${incoming}       ${ends}\n`;
}
