import { createHook } from 'node:async_hooks';

/** A timer as Node.js has it. */
interface Timer {
  readonly _idleTimeout: number;
  readonly _destroyed: boolean;
}

/** A day and more is as good as never. */
const LONG_MS = 86_400_000;

/** The timers that are made until it is disposed of, Node.js's own and those that keep no process alive, too. */
export function watchTimers(): Disposable & {
  /** In how many ms each is due of those that would wake this process. */
  due(): readonly number[];
} {
  const timers: Timer[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'Timeout') timers.push(resource as Timer);
    },
  }).enable();
  return {
    due: () =>
      timers
        .filter(({ _destroyed, _idleTimeout }) => !_destroyed && _idleTimeout < LONG_MS)
        .map(({ _idleTimeout }) => _idleTimeout),
    [Symbol.dispose]: () => hook.disable(),
  };
}
