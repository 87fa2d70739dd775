import { RefusedError } from '../backend/rule-backend.ts';
import type { PfMachine } from './pf-machine.ts';

/** Whether pf is enabled, by what `pfctl -s info` prints. */
export function isPfEnabled(info: string): boolean {
  return /^Status:\s+Enabled\b/m.test(info);
}

/**
 * Holds pf enabled on macOS, which counts who wants it so: `pfctl -E` gives a token, and pf stays enabled until each is given back. It
 * says so on standard error (native-notes/pf-helper.md).
 *
 * @throws RefusedError
 */
export async function enablePf(machine: PfMachine): Promise<string> {
  const result = await machine.pfctl(['-E']);
  if (result.kind === 'refused') throw new RefusedError(result.reason);
  const token = /^Token\s*:\s*(\d{1,20})\s*$/m.exec(result.errors)?.[1];
  if (token === undefined) throw new RefusedError('pfctl -E gave no token');
  return token;
}

/** What the kernel does not know any more: somebody has disabled pf, which ends all references. */
const NOT_HELD = /token\s+invalid|pf\s+not\s+enabled|DIOCSTOPREF: Invalid argument/i;

/** Gives a token back. A token that is not held any more is given back. @throws RefusedError */
export async function releasePf(machine: PfMachine, token: string): Promise<void> {
  const result = await machine.pfctl(['-X', token]);
  if (result.kind === 'refused' && !NOT_HELD.test(result.reason)) throw new RefusedError(result.reason);
}
