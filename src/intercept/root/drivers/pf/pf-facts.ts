import { anchorsBefore, earlierRules, mayDecide } from '../../../rules/pf/earlier-rules.ts';
import { MAX_FACTS, type PfFacts } from '../../../rules/rule-facts.ts';
import { mainCall } from './anchor-call.ts';
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

/** Looks at what of pf decides about connections that the rules of an anchor should redirect. @throws RefusedError */
export async function lookAtPf(machine: PfMachine, anchor: string): Promise<PfFacts> {
  const show = (...argv: string[]): Promise<string> => mustPfctl(machine, argv);
  const info = await show('-s', 'info');
  const call = mainCall(machine.platform, anchor);
  const inMain = earlierRules(await show('-s', 'rules'), call);
  const beside = call === anchor ? [] : await anchorsThatMayDecide(machine, anchor);
  const current = currentStates(info);
  const limit = stateLimit(await show('-s', 'memory'));
  return {
    isEnabled: isPfEnabled(info),
    skipsLoopback: skipsLoopback(await show('-v', '-s', 'Interfaces')),
    earlier: [...inMain, ...beside.map((path) => `anchor "${path}" all`)].slice(0, MAX_FACTS),
    states: current === undefined || limit === undefined ? null : { current, limit },
  };
}

/** The anchors that the same wildcard calls before ours, of those that may decide. What is not told, or has gone meanwhile, decides nothing. */
async function anchorsThatMayDecide(machine: PfMachine, anchor: string): Promise<readonly string[]> {
  const parent = anchor.replace(/\/[^/]+$/, '');
  const show = async (path: string, what: string): Promise<string> => {
    const shown = await machine.pfctl(['-a', path, '-s', what]);
    return shown.kind === 'done' ? shown.output : '';
  };
  const found: string[] = [];
  for (const path of anchorsBefore(await show(parent, 'Anchors'), anchor)) {
    if (mayDecide(`${await show(path, 'nat')}\n${await show(path, 'rules')}`)) found.push(path);
  }
  return found;
}
