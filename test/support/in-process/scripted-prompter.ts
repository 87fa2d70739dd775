import type { Prompter } from '../../../src/ssh/prompter.ts';

/** A user who answers from a script, and what was shown to them. */
export interface ScriptedPrompter extends Prompter {
  readonly questions: readonly string[];
  readonly shown: readonly string[];
}

/** Makes a user who gives these answers, in order, and after that none. */
export function scriptedPrompter(...answers: readonly string[]): ScriptedPrompter {
  const questions: string[] = [];
  const shown: string[] = [];
  return {
    available: true,
    mayAskAgain: true,
    questions,
    shown,
    ask: async (question, { echo }) => {
      questions.push(`${echo ? '' : '(hidden) '}${question}`);
      return answers[questions.length - 1];
    },
    show: (text) => {
      shown.push(text);
    },
  };
}

/** Nobody is there. */
export const NO_TERMINAL: Prompter = {
  available: false,
  mayAskAgain: false,
  ask: async () => {
    throw new Error('asked although nobody is there');
  },
  show: () => {
    throw new Error('shown although nobody is there');
  },
};
