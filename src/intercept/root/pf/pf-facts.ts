import { MAX_FACTS, type PfFacts } from '../../rules/rule-facts.ts';
import { isPfEnabled } from './enable-reference.ts';
import { mustPfctl, type PfMachine } from './pf-machine.ts';

/** What `pfctl -s info` says of the states there are. */
export function currentStates(info: string): number | undefined {
  const count = /^\s+current entries\s+(\d+)/m.exec(info)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** What `pfctl -s memory` says of how many there can be; 0 is no limit. */
export function stateLimit(memory: string): number | undefined {
  const limit = /^states\s+hard limit\s+(\d+)/m.exec(memory)?.[1];
  return limit === undefined || Number(limit) === 0 ? undefined : Number(limit);
}

/** Whether `pfctl -v -s Interfaces` shows that no rule sees what goes by lo0. */
function skipsLoopback(interfaces: string): boolean {
  return /^lo0? \(skip\)/m.test(interfaces);
}

/**
 * The rules of the main ruleset that may decide about a connection before the anchor called `call` does: what `pfctl -s rules` prints
 * before it, that decides at once, about what leaves this machine.
 */
function earlierRules(rules: string, call: string): readonly string[] {
  const lines = rules.split('\n').map((line) => line.trim());
  const ours = lines.findIndex((line) => line.startsWith(`anchor "${call}"`));
  return lines
    .slice(0, Math.max(ours, 0))
    .filter((line) => /^(?:pass|block)(?! in\b).* quick\b/.test(line) || /^anchor "/.test(line))
    .slice(0, MAX_FACTS);
}

/** Looks at what of pf decides about connections that should be redirected. @throws RefusedError */
export async function lookAtPf(machine: PfMachine, call: string): Promise<PfFacts> {
  const show = (...argv: string[]): Promise<string> => mustPfctl(machine, argv);
  const info = await show('-s', 'info');
  const rules = await show('-s', 'rules');
  const current = currentStates(info);
  const limit = stateLimit(await show('-s', 'memory'));
  return {
    isEnabled: isPfEnabled(info),
    skipsLoopback: skipsLoopback(await show('-v', '-s', 'Interfaces')),
    earlier: earlierRules(rules, call),
    states: current === undefined || limit === undefined ? null : { current, limit },
  };
}
