/**
 * What is being waited for, in a few words, as `connecting to bastion`; a function where the words change with time, as
 * `waiting for db:5432, 12 s left`.
 */
export type Step = string | (() => string);

/**
 * Called with what is being waited for now; undefined when nothing is, or when something else asks the user, as sudo does. Whoever
 * shows it decides whether it takes long enough for that.
 */
export type OnStep = (step: Step | undefined) => void;
