import type { Socket } from 'node:net';

/** Events of an accepted socket, for its flow. */
export interface ApplicationListener {
  /** `bytes` are valid during the call (see `reuseReadBuffer`), or for good where they have waited in the stream. */
  applicationSent(bytes: Buffer): void;
  /** The application's end of data; what it sent comes before. */
  applicationFinished(): void;
  /** The connection to the application broke; {@link ApplicationListener.acceptedClosed} follows. */
  applicationFailed(detail: string): void;
  /** The accepted socket is closed. The last call. */
  acceptedClosed(): void;
}

const LISTENER = Symbol('listener');

interface ListenedSocket extends Socket {
  [LISTENER]: ApplicationListener;
}

/** One for all sockets: thousands of idle ones would cost as many closures each. */
const HANDLERS: ReadonlyArray<readonly [string, (this: ListenedSocket, argument: never) => void]> = [
  [
    'error',
    function (error: Error) {
      this[LISTENER].applicationFailed(error.message);
    },
  ],
  [
    'close',
    function () {
      this[LISTENER].acceptedClosed();
    },
  ],
  [
    'data',
    function (bytes: Buffer) {
      this[LISTENER].applicationSent(bytes);
    },
  ],
  [
    'end',
    function () {
      this[LISTENER].applicationFinished();
    },
  ],
];

/** Has `listener` told of all that happens to an accepted socket; one for each socket. */
export function listenToApplication(accepted: Socket, listener: ApplicationListener): void {
  (accepted as ListenedSocket)[LISTENER] = listener;
  for (const [event, handler] of HANDLERS) accepted.on(event, handler as () => void);
}

/** Ends {@link listenToApplication}: the caller owns the socket again. */
export function stopListeningToApplication(accepted: Socket): void {
  for (const [event, handler] of HANDLERS) accepted.off(event, handler as () => void);
}
