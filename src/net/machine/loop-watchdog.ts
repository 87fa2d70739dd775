import { isMainThread } from 'node:worker_threads';
import { ThreadTimer } from '../native/thread-timer.ts';

/**
 * How much processor time one turn of the event loop may take, in ms. All that is known to take long and is not
 * {@link inLongTurn} takes less than a second (native-notes/hostile-peers.md).
 */
const LIMIT_MS = 5_000;

/** How often the loop is asked whether it turns, in ms of the processor time that it uses. */
const ASK_MS = 1_000;

/** It does nothing where nobody listens, and no library uses it: what Go's runtime has chosen for its own, too. */
const QUESTION = 'SIGURG';

/** It ends the process, whatever that does, without a core file, and reports that to the parent process. */
const VERDICT = 'SIGVTALRM';

let deadline: ThreadTimer | undefined;

/**
 * From now on this process ends by SIGVTALRM when its event loop does not turn for 5 s of processor time. It hears no other signal
 * then, of those that can be caught, and no flow moves: what a peer could still bring about by an endless loop is over by itself,
 * and the helper removes the rules. Its own processor time is the clock: a process that waits, or is stopped, is not touched, and none is
 * woken up by this.
 *
 * Does nothing in other threads, which hear no signals, and where there are no such timers. Idempotent.
 */
export function watchLoop(): void {
  if (deadline !== undefined || !isMainThread) return;
  const question = ThreadTimer.create(QUESTION);
  const verdict = ThreadTimer.create(VERDICT);
  if (question === undefined || verdict === undefined) return;
  deadline = verdict;
  process.on(QUESTION, () => verdict.start(LIMIT_MS));
  // What Node.js does then is not ours: --cpu-prof for one writes its profile.
  process.once('exit', () => verdict.stop());
  verdict.start(LIMIT_MS);
  question.start(ASK_MS, ASK_MS);
}

/** Does what may keep the event loop for as long as the user has chosen: the passphrase of a key may have many rounds. */
export function inLongTurn<T>(work: () => T): T {
  deadline?.stop();
  try {
    return work();
  } finally {
    deadline?.start(LIMIT_MS);
  }
}
