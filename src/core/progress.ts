/**
 * What is being waited for, in a few words, as `connecting to bastion`; a function where the words change with time, as
 * `waiting for db:5432, 12 s left`.
 */
export type Step = string | (() => string) | AskingStep;

/** What another program does on the same terminal, which may ask there by itself, as sudo does. */
export interface AskingStep {
  readonly words: string;
  readonly mayAsk: true;
}

/** Root rights are asked for by sudo, on the same terminal; nothing else that may ask is begun until it has. */
export const STARTING_HELPER: AskingStep = { words: 'starting the root helper', mayAsk: true };

/**
 * Called with what is being waited for now; undefined when nothing is, or when something else asks the user. Whoever
 * shows it decides whether it takes long enough for that.
 */
export type OnStep = (step: Step | undefined) => void;
