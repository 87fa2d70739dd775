/** What is being opened while others are: whoever gives up before it is open has it ended, or closed as soon as it is. */
export interface Opening<T> {
  /** May reject unheard, until somebody waits for it. */
  readonly opened: Promise<T>;
  /** Ends the opening, or closes what was opened. Rejects only as that does. */
  close(): Promise<void>;
}

/**
 * Begins to open something.
 *
 * @param signal ends it too
 * @param open given a signal that ends the opening, and means nothing when it is over
 */
export function beginOpening<T>(
  signal: AbortSignal,
  open: (signal: AbortSignal) => Promise<T>,
  close: (opened: T) => Promise<void>,
): Opening<T> {
  const giveUp = new AbortController();
  const opened = open(AbortSignal.any([signal, giveUp.signal]));
  let isOver = false;
  const closable = opened.then(
    (one) => {
      isOver = true;
      return () => close(one);
    },
    () => async () => {},
  );
  return {
    opened,
    close: async () => {
      if (!isOver) giveUp.abort(new Error('what it is opened for could not be opened'));
      await (await closable)();
    },
  };
}
