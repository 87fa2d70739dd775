import Client from 'ssh2/lib/client.js';
import { deferred } from '../../../core/deferred.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import { printableLine } from '../../../core/printable.ts';
import { limitUnacknowledged } from '../../../net/native/tcp.ts';
import type { NegotiatedAlgorithms } from '../../agreement.ts';
import type { HostKeyAnnouncement } from '../../host-keys/host-key-update.ts';
import { updateHostKeys } from '../../host-keys/host-key-updater.ts';
import { HostKeyVerifier } from '../../host-keys/host-key-verifier.ts';
import type { KnownHostEntry } from '../../host-keys/known-hosts.ts';
import type { KeyOptions } from '../../key-options.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { passwordExpired } from '../../login/authentication-error.ts';
import { Authenticator } from '../../login/authenticator.ts';
import type { Prompter } from '../../prompter.ts';
import { onHostKeysAnnounced, stopDebugOutput } from '../internals/connection-internals.ts';
import { guardMessages } from '../internals/message-guard-internals.ts';
import { ProtocolViolation } from '../peer-conduct.ts';
import { AuthenticationDriver } from './authentication-driver.ts';
import { EarlyText } from './early-text.ts';
import { HandshakeClock, handshakeLimitMs, pausingPrompter } from './handshake-clock.ts';
import { handshakeError, isCutOff, loginCutOff, Silence } from './handshake-error.ts';
import { negotiatedAlgorithms } from './negotiated-algorithms.ts';
import { keepRekeyLimit } from './rekey-limit.ts';
import type { Route } from './route.ts';
import { ServerMessages } from './server-messages.ts';
import { type ClientStart, startClient } from './start-client.ts';

/** A bastion acknowledges at once what it is sent, however long it thinks: one that does not, for so long, is gone. */
const UNACKNOWLEDGED_LIMIT_MS = 5_000;

/** A connected socket and the options of its handshake. The socket is destroyed when that fails. */
export interface HandshakeContext extends ClientStart {
  readonly route: Pick<Route, 'dialled' | 'description'>;
  readonly knownHosts: readonly KnownHostEntry[];
  /** What the bastion has shown before; undefined where it may show whatever the user trusts. */
  readonly heldKey: PublicKey | undefined;
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  /** See `ConnectContext`. */
  readonly onInteractive?: (() => void) | undefined;
}

/** An authenticated connection. */
export interface CompletedHandshake {
  readonly client: Client;
  readonly hostKey: PublicKey;
  readonly algorithms: NegotiatedAlgorithms;
  /** Of the keys that let us in; sshd tells them right after the authentication. */
  keyOptions(): readonly KeyOptions[];
}

/**
 * Runs ssh2's handshake and authentication over a connected socket.
 *
 * ```
 * waiting for its version ──> exchanging keys ──> authenticating ──> done
 *            └───────────────────────┴───────────────────┴── error, closed, 15 s, aborted ──> failed
 * ```
 *
 * @throws TshuttleError ERR_HOST_KEY, ERR_BASTION_AUTH, ERR_BASTION_UNREACHABLE, or ERR_CONFIG for no common algorithm;
 *   or the signal's reason. The socket is then destroyed.
 */
export async function shakeHands(context: HandshakeContext): Promise<CompletedHandshake> {
  const handshake = new Handshake(context);
  try {
    const done = await handshake.run();
    keepRekeyLimit(done.client, context.socket, context.target.rekeyLimit);
    return done;
  } catch (error) {
    context.socket.destroy();
    throw error;
  } finally {
    await handshake.release();
  }
}

class Handshake {
  readonly #context: HandshakeContext;
  readonly #client = new Client();
  readonly #outcome = deferred<void>();
  /** Ends whatever is being waited for, questions to the user too, when the handshake is over. */
  readonly #over = new AbortController();
  readonly #clock: HandshakeClock;
  readonly #verifier: HostKeyVerifier;
  readonly #authenticator: Authenticator;
  readonly #driver: AuthenticationDriver;
  readonly #serverMessages: ServerMessages;
  #phase: 'waiting for its version' | 'exchanging keys' | 'authenticating' | 'done' =
    'waiting for its version';
  #earlyText: EarlyText | undefined;
  #algorithms: NegotiatedAlgorithms | undefined;
  #filing: Promise<void> = Promise.resolve();

  constructor(context: HandshakeContext) {
    this.#context = context;
    // Awaited in run(); but a start that throws must not leave a rejection that nobody owns.
    this.#outcome.promise.catch(() => {});
    const { target, knownHosts, heldKey, logger, route } = context;
    this.#serverMessages = new ServerMessages(logger);
    const limitMs = handshakeLimitMs(target);
    const silence = () => new Silence(`nothing came of it in ${limitMs / 1000} s, while ${this.#phase}`);
    this.#clock = new HandshakeClock(limitMs, () => this.#fail(silence()));
    const mayAsk = target.authentication.batchMode ? 'never' : 'ask';
    const prompter = pausingPrompter(context.prompter, this.#clock, this.#over.signal, mayAsk);
    this.#verifier = new HostKeyVerifier(target, {
      entries: knownHosts,
      heldKey,
      prompter,
      logger,
      signal: this.#over.signal,
      // Behind a proxy the bastion's own address is not known here.
      address: (target.proxy.kind === 'none' ? route.dialled?.address : undefined) ?? route.description,
    });
    this.#authenticator = new Authenticator(target, {
      prompter,
      logger,
      signal: this.#over.signal,
      onInteractive: context.onInteractive,
    });
    this.#driver = new AuthenticationDriver(this.#authenticator, {
      user: target.user,
      clock: this.#clock,
      isOver: () => this.#over.signal.aborted || context.socket.destroyed,
      onFailed: (error) => this.#outcome.reject(error),
    });
  }

  async run(): Promise<CompletedHandshake> {
    const { signal } = this.#context;
    const onAbort = (): void => this.#outcome.reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // A ProxyCommand, or a proxy, may have ended it before.
      if (this.#context.socket.destroyed) this.#fail(this.#context.socket.errored ?? undefined);
      else this.#start();
      await this.#outcome.promise;
      await this.#filing;
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    const hostKey = this.#verifier.acceptedKey;
    if (hostKey === undefined || this.#algorithms === undefined)
      throw new TshuttleError('ERR_INTERNAL', 'the handshake was done without a key exchange');
    stopDebugOutput(this.#client);
    limitUnacknowledged(this.#context.socket, 0);
    return {
      client: this.#client,
      hostKey,
      algorithms: this.#algorithms,
      keyOptions: () => this.#serverMessages.keyOptions,
    };
  }

  /** Ends the clock, open questions and the reading of keys. */
  async release(): Promise<void> {
    this.#clock.stop();
    this.#over.abort(new Error('the handshake is over'));
    this.#earlyText?.stop();
    await this.#authenticator.close();
  }

  #start(): void {
    const { socket } = this.#context;
    this.#listen();
    limitUnacknowledged(socket, UNACKNOWLEDGED_LIMIT_MS);
    const readKexInit = startClient(this.#client, this.#context, {
      debug: (line) => this.#serverMessages.onDebugLine(line),
      hostVerifier: (blob: Buffer, verify: (accepted: boolean) => void) => this.#verifyHostKey(blob, verify),
      authHandler: this.#driver.onReply,
    });
    guardMessages(this.#client, socket, readKexInit);
    onHostKeysAnnounced(this.#client, (announcement) => this.#updateHostKeys(announcement));
    this.#driver.attach(this.#client);
    // Behind connect(), which pauses the socket: a listener must not set it flowing before ssh2 is ready for the data.
    this.#earlyText = new EarlyText(socket, () => {
      if (this.#phase === 'waiting for its version') this.#phase = 'exchanging keys';
    });
  }

  #listen(): void {
    // Stays for the life of the client: ssh2 emits 'error' for whatever happens to the connection.
    this.#client.on('error', (error) => {
      if (this.#phase === 'done') this.#context.logger.debug(`ssh2: ${printableLine(messageOf(error))}`);
      else this.#fail(error);
    });
    this.#client.on('close', () => this.#fail(undefined));
    this.#client.on('end', () => this.#fail(undefined));
    this.#client.on('handshake', (negotiated) => {
      if (this.#phase !== 'exchanging keys' && this.#phase !== 'waiting for its version') return;
      this.#phase = 'authenticating';
      this.#context.onAuthenticating?.();
      this.#algorithms = negotiatedAlgorithms(this.#client, negotiated, this.#serverMessages.algorithms);
      this.#filing = this.#verifier.handshakeDone();
    });
    this.#client.on('banner', (text) => this.#serverMessages.banner(text, this.#context.prompter));
    this.#client.on('change password', () => this.#outcome.reject(passwordExpired(this.#context.target)));
    this.#client.on('ready', () => {
      this.#phase = 'done';
      this.#outcome.resolve();
    });
  }

  #verifyHostKey(blob: Buffer, verify: (accepted: boolean) => void): void {
    if (this.#verifier.acceptedKey === undefined) {
      this.#verifier
        .verify(blob)
        .then(() => {
          if (!this.#context.socket.destroyed) verify(true);
        })
        // ssh2 finishes the key exchange there, out of reach of what catches its errors elsewhere.
        .catch((error) => (error instanceof TshuttleError ? this.#outcome.reject(error) : this.#fail(error)));
      return;
    }
    try {
      this.#verifier.verifyAgain(blob);
    } catch (error) {
      this.#context.logger.error(messageOf(error));
      verify(false);
      return;
    }
    verify(true);
  }

  #updateHostKeys(announcement: HostKeyAnnouncement): void {
    if (!this.#verifier.mayUpdateKeys) return;
    const { target, logger, prompter } = this.#context;
    // A key that was just accepted is filed before. Neither fails: what goes wrong is a warning.
    void this.#filing.then(() => updateHostKeys(target, announcement, { logger, prompter }));
  }

  #fail(thrown: unknown): void {
    const { target, route } = this.#context;
    if (this.#phase === 'authenticating' && !(thrown instanceof ProtocolViolation)) {
      const isCut = isCutOff(thrown, this.#authenticator.mayBeRefused);
      if (isCut) this.#outcome.reject(loginCutOff(target, route.description, thrown));
      else this.#outcome.reject(this.#authenticator.failure(thrown ?? new Error('it closed the connection')));
      return;
    }
    const [earlyText, offeredByBastion] = [this.#earlyText?.text ?? '', this.#serverMessages.algorithms];
    this.#outcome.reject(
      handshakeError({ target, via: route.description, thrown, earlyText, offeredByBastion }),
    );
  }
}
