import type { PfDevice } from '../../../../net/native/pf/pf-device.ts';
import {
  addAnchorCall,
  beginPfChange,
  PF_RULE_LAYOUTS,
  type PfChange,
  type PfRuleLayout,
  type PfRuleList,
  removeMainRule,
} from '../../../../net/native/pf/rules.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { mustPfctl, type PfMachine } from './pf-machine.ts';

/** Translation first: a connection that is led back into this machine and not redirected there would hang. */
const LISTS = ['rdr-anchor', 'anchor'] as const satisfies readonly PfRuleList[];

const SHOWN_BY: Readonly<Record<PfRuleList, string>> = { anchor: 'rules', 'rdr-anchor': 'nat' };

/** Other programs change the main ruleset, but hardly at the same moment. */
const ATTEMPTS = 10;

const ENODEV = 19;

/** By which rule the main ruleset evaluates our anchor: one that macOS has by itself, or one of ours on FreeBSD. */
export function mainCall(platform: PfMachine['platform'], anchor: string): string {
  return platform === 'darwin' ? anchor.replace(/[^/]+$/, '*') : anchor;
}

/**
 * What of the main ruleset is missing so that an anchor is evaluated; undefined when nothing is. It is for whoever has changed it to
 * load it again where the call is the system's own.
 *
 * @throws RefusedError
 */
export async function missingCall(machine: PfMachine, anchor: string): Promise<string | undefined> {
  const call = mainCall(machine.platform, anchor);
  for (const list of LISTS) {
    if ((await numbersOf(machine, list, call)).length === 0)
      return `the main ruleset of pf has no ${list} "${call}"`;
  }
  return undefined;
}

/**
 * Has the main ruleset of FreeBSD evaluate an anchor, before all that is in it: a later rule of others does not undo what ours say.
 * Does nothing where it does so already, and on macOS, which evaluates all anchors of a name.
 *
 * @throws RefusedError
 */
export async function callAnchor(machine: PfMachine, anchor: string): Promise<void> {
  if (machine.platform === 'darwin') return;
  for (const list of LISTS) {
    await changeMainRuleset(machine, list, async (device, layout, ticket) => {
      if ((await numbersOf(machine, list, anchor)).length > 0) return undefined;
      return addAnchorCall(device, layout, list, { ticket, anchor });
    });
  }
}

/** Undoes {@link callAnchor}. Idempotent. @throws RefusedError */
export async function endAnchorCall(machine: PfMachine, anchor: string): Promise<void> {
  if (machine.platform === 'darwin') return;
  for (const list of LISTS.toReversed()) {
    await changeMainRuleset(machine, list, async (device, layout, ticket) => {
      const [number] = await numbersOf(machine, list, anchor);
      if (number === undefined) return undefined;
      const change = removeMainRule(device, layout, list, { ticket, number });
      // There may be more.
      return change.kind === 'done' ? { kind: 'outdated' } : change;
    });
  }
}

/** Tries a change until nobody has made another one meanwhile, or nothing is to be changed. */
async function changeMainRuleset(
  machine: PfMachine,
  list: PfRuleList,
  change: (device: PfDevice, layout: PfRuleLayout, ticket: number) => Promise<PfChange | undefined>,
): Promise<void> {
  const device = machine.openDevice();
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { layout, ticket } = begin(device, list);
      const result = await change(device, layout, ticket);
      if (result === undefined || result.kind === 'done') return;
      if (result.kind === 'refused') throw refusal(result.errno);
    }
    throw new RefusedError(`the main ruleset of pf changes all the time: our ${list} in it cannot be set`);
  } finally {
    device.close();
  }
}

function begin(
  device: PfDevice,
  list: PfRuleList,
): { readonly layout: PfRuleLayout; readonly ticket: number } {
  for (const layout of [PF_RULE_LAYOUTS.freebsd, PF_RULE_LAYOUTS.pfSense]) {
    const begun = beginPfChange(device, layout, list);
    if ('ticket' in begun) return { layout, ticket: begun.ticket };
    if (begun.errno !== ENODEV) throw refusal(begun.errno);
  }
  throw refusal(ENODEV);
}

function refusal(errno: number): RefusedError {
  const why = errno === ENODEV ? 'this kernel has another struct for rules' : `errno ${errno}`;
  return new RefusedError(
    `pf does not let our anchor be called by its main ruleset (${why}): have /etc/pf.conf do it, rdr-anchor and anchor, with a port of your choice (-l)`,
  );
}

/** At which numbers the main ruleset calls an anchor. */
async function numbersOf(machine: PfMachine, list: PfRuleList, call: string): Promise<number[]> {
  const listing = await mustPfctl(machine, ['-vv', '-s', SHOWN_BY[list]]);
  return listing.split('\n').flatMap((line) => {
    const [, number, word, found] = /^@(\d+) ((?:rdr-)?anchor) "([^"]+)"/.exec(line) ?? [];
    return word === list && found === call ? [Number(number)] : [];
  });
}
