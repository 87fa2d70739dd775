/** A task whose next run begins when the last one is over, however that ended. */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const run = last.then(task);
    last = run.catch(() => {});
    return run;
  };
}
