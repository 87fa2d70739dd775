import type { SystemWords } from '../../core/systems/words.ts';
import type { RuleFacts } from '../../intercept/rules/rule-facts.ts';
import type { ProbeTarget } from './probe-targets.ts';

/** What is wrong with the capture of some networks, and the remedy. */
export type Words = (
  targets: readonly ProbeTarget[],
  facts: RuleFacts | undefined,
  system: SystemWords,
) => { readonly what: string; readonly remedy: string };

/** How many networks one line names. */
const NAMED = 3;

/** The networks, each once. */
export function placesOf(targets: readonly ProbeTarget[]): string {
  return listOf([...new Set(targets.map(({ network }) => network))]);
}

/** The first texts, and how many there are beside them. */
export function listOf(texts: readonly string[]): string {
  const named = texts.slice(0, NAMED).join(', ');
  return texts.length > NAMED ? `${named} and ${texts.length - NAMED} more` : named;
}
