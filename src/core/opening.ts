/** What is being opened while others are: cancelled before it is open, it is ended, or closed as soon as it opens. */
export interface Opening<T> {
  /** May reject without a listener. */
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
  const cancellation = new AbortController();
  const opened = open(AbortSignal.any([signal, cancellation.signal]));
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
      if (!isOver) cancellation.abort(new Error('what it is opened for could not be opened'));
      await (await closable)();
    },
  };
}
