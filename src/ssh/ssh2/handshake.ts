import type { Socket } from 'node:net';
import ssh2 from 'ssh2';
import { deferred } from '../../core/deferred.ts';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { passwordExpired } from '../authentication-error.ts';
import { Authenticator } from '../authenticator.ts';
import type { HostKeyAnnouncement } from '../host-key-update.ts';
import { updateHostKeys } from '../host-key-updater.ts';
import { HostKeyVerifier } from '../host-key-verifier.ts';
import { type KeyOptions, parseKeyOptions } from '../key-options.ts';
import type { KnownHostEntry } from '../known-hosts.ts';
import type { Prompter } from '../prompter.ts';
import type { PublicKey } from '../public-key.ts';
import { printable, printableLine } from '../server-text.ts';
import type { SshTarget } from '../ssh-target.ts';
import { AuthenticationDriver } from './authentication-driver.ts';
import { onHostKeysAnnounced, stopDebugOutput } from './connection-internals.ts';
import { HandshakeClock, pausingPrompter } from './handshake-clock.ts';
import { handshakeError, loginCutOff } from './handshake-error.ts';
import { offerHostCertificates, withoutCertificates } from './host-certificate-internals.ts';
import type { Route } from './route.ts';

/** Key exchange and authentication together, without the time in which the user is being asked. */
const HANDSHAKE_LIMIT_MS = 15_000;
/** A ProxyCommand connects meanwhile, which may take a login of its own. */
const COMMAND_HANDSHAKE_LIMIT_MS = 120_000;
const EARLY_TEXT_LIMIT_BYTES = 2048;
/** More keys than any bastion wants of one user (AuthenticationMethods). */
const MAX_KEY_OPTIONS = 16;

/** What a handshake starts from. */
export interface HandshakeContext {
  readonly target: SshTarget;
  /** Connected; destroyed by the handshake when it fails. */
  readonly socket: Socket;
  readonly route: Pick<Route, 'dialled' | 'description'>;
  readonly knownHosts: readonly KnownHostEntry[];
  /** What the bastion has shown before; undefined where it may show whatever the user trusts. */
  readonly heldKey: PublicKey | undefined;
  /** The preferred first; those of certificates only where one may count. */
  readonly hostKeyAlgorithms: readonly string[];
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  /** See `ConnectContext`. */
  readonly onInteractive?: (() => void) | undefined;
}

/** The algorithms in use, by their SSH names; one name where both directions have the same. */
export interface NegotiatedAlgorithms {
  readonly keyExchange: string;
  readonly hostKey: string;
  readonly cipher: string;
  readonly mac: string;
  readonly compression: string;
}

/** An authenticated connection. */
export interface CompletedHandshake {
  readonly client: ssh2.Client;
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
    return await handshake.run();
  } catch (error) {
    context.socket.destroy();
    throw error;
  } finally {
    await handshake.release();
  }
}

class Handshake {
  readonly #context: HandshakeContext;
  readonly #client = new ssh2.Client();
  readonly #outcome = deferred<void>();
  /** Ends whatever is being waited for, questions to the user too, when the handshake is over. */
  readonly #over = new AbortController();
  readonly #clock: HandshakeClock;
  readonly #verifier: HostKeyVerifier;
  readonly #authenticator: Authenticator;
  readonly #driver: AuthenticationDriver;
  readonly #offeredByBastion = new Map<string, string>();
  #phase: 'waiting for its version' | 'exchanging keys' | 'authenticating' | 'done' =
    'waiting for its version';
  #earlyText = '';
  #algorithms: NegotiatedAlgorithms | undefined;
  #filing: Promise<void> = Promise.resolve();
  readonly #keyOptions = new Map<string, KeyOptions>();

  constructor(context: HandshakeContext) {
    this.#context = context;
    // Awaited in run(); but a start that throws must not leave a rejection that nobody owns.
    this.#outcome.promise.catch(() => {});
    const { target, knownHosts, heldKey, logger, route } = context;
    const limitMs = target.proxy.kind === 'command' ? COMMAND_HANDSHAKE_LIMIT_MS : HANDSHAKE_LIMIT_MS;
    this.#clock = new HandshakeClock(limitMs, () => {
      this.#fail(new Silence(`nothing came of it in ${limitMs / 1000} s, while ${this.#phase}`));
    });
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
      this.#start();
      await this.#outcome.promise;
      await this.#filing;
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    const hostKey = this.#verifier.acceptedKey;
    if (hostKey === undefined || this.#algorithms === undefined) {
      throw new TshuttleError('ERR_INTERNAL', 'the handshake was done without a key exchange');
    }
    stopDebugOutput(this.#client);
    return {
      client: this.#client,
      hostKey,
      algorithms: this.#algorithms,
      keyOptions: () => [...this.#keyOptions.values()],
    };
  }

  /** Ends the clock, open questions and the reading of keys. */
  async release(): Promise<void> {
    this.#clock.stop();
    this.#over.abort(new Error('the handshake is over'));
    this.#context.socket.off('data', this.#keepEarlyText);
    await this.#authenticator.close();
  }

  #start(): void {
    const { target, socket, hostKeyAlgorithms } = this.#context;
    const { algorithms } = target;
    this.#listen();
    this.#connectClient({
      sock: socket,
      username: target.user,
      keepaliveInterval: 0,
      readyTimeout: 0,
      algorithms: {
        kex: [...algorithms.keyExchange] as ssh2.KexAlgorithm[],
        serverHostKey: [...withoutCertificates(hostKeyAlgorithms)] as ssh2.ServerHostKeyAlgorithm[],
        cipher: [...algorithms.cipher] as ssh2.CipherAlgorithm[],
        hmac: [...algorithms.mac] as ssh2.MacAlgorithm[],
        compress: [...algorithms.compression] as ssh2.CompressionAlgorithm[],
      },
      debug: (message) => this.#readDebugOutput(message),
      hostVerifier: (blob: Buffer, verify: (accepted: boolean) => void) => this.#verifyHostKey(blob, verify),
      authHandler: this.#driver.onReply,
    });
    offerHostCertificates(this.#client, hostKeyAlgorithms);
    onHostKeysAnnounced(this.#client, (announcement) => this.#updateHostKeys(announcement));
    this.#driver.attach(this.#client);
    // Behind connect(), which pauses the socket: a listener must not set it flowing before ssh2 is ready for the data.
    socket.on('data', this.#keepEarlyText);
  }

  /** ssh2 checks the names of the algorithms against what this machine's OpenSSL has. */
  #connectClient(config: ssh2.ConnectConfig): void {
    try {
      this.#client.connect(config);
    } catch (error) {
      throw new TshuttleError('ERR_CONFIG', `the ssh settings cannot be used here: ${messageOf(error)}`, {
        remedy: 'remove the algorithm that it names from the ssh configuration, or from -o',
        cause: error,
      });
    }
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
      this.#algorithms = {
        keyExchange: negotiated.kex,
        hostKey: negotiated.serverHostKey,
        cipher: bothWays(negotiated.cs.cipher, negotiated.sc.cipher),
        mac: bothWays(negotiated.cs.mac, negotiated.sc.mac),
        compression: bothWays(negotiated.cs.compress, negotiated.sc.compress),
      };
      this.#filing = this.#verifier.handshakeDone();
    });
    this.#client.on('banner', (text) => this.#showBanner(text));
    this.#client.on('change password', () => {
      this.#outcome.reject(passwordExpired(this.#context.target));
    });
    this.#client.on('ready', () => {
      this.#phase = 'done';
      this.#outcome.resolve();
    });
  }

  readonly #keepEarlyText = (chunk: Buffer): void => {
    this.#earlyText += chunk.toString('latin1', 0, EARLY_TEXT_LIMIT_BYTES);
    const version = /^SSH-/m.test(this.#earlyText);
    if (!version && this.#earlyText.length < EARLY_TEXT_LIMIT_BYTES) return;
    this.#context.socket.off('data', this.#keepEarlyText);
    if (!version) return;
    this.#earlyText = '';
    if (this.#phase === 'waiting for its version') this.#phase = 'exchanging keys';
  };

  #verifyHostKey(blob: Buffer, verify: (accepted: boolean) => void): void {
    if (this.#verifier.acceptedKey === undefined) {
      this.#verifier.verify(blob).then(
        () => {
          if (!this.#context.socket.destroyed) verify(true);
        },
        (error: unknown) => this.#outcome.reject(error),
      );
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
    const isWordless = thrown === undefined || thrown instanceof Silence;
    const isCutOff = isNetworkFailure(thrown) || (isWordless && !this.#authenticator.mayBeRefused);
    if (this.#phase === 'authenticating' && isCutOff) {
      this.#outcome.reject(loginCutOff(target, route.description, thrown));
      return;
    }
    if (this.#phase === 'authenticating') {
      this.#outcome.reject(this.#authenticator.failure(thrown ?? new Error('it closed the connection')));
      return;
    }
    const { earlyText, offeredByBastion } = {
      earlyText: this.#earlyText,
      offeredByBastion: this.#offeredByBastion,
    };
    this.#outcome.reject(
      handshakeError({ target, via: route.description, thrown, earlyText, offeredByBastion }),
    );
  }

  #showBanner(text: string): void {
    const { prompter, logger } = this.#context;
    if (prompter.available) prompter.show(printable(text).trimEnd());
    else logger.info(`banner of the bastion: ${printableLine(text)}`);
  }

  /** The only source of the bastion's algorithm lists, and of SSH_MSG_DEBUG ("key options ..."), is ssh2's debug output. */
  #readDebugOutput(message: string): void {
    const list = /^Handshake: \(remote\) ([^:]+): (.*)$/.exec(message);
    if (list !== null) this.#offeredByBastion.set(list[1] ?? '', list[2] ?? '');
    const quoted = /^Debug output from server: (".*")$/s.exec(message)?.[1];
    if (quoted === undefined) return;
    const told = String(JSON.parse(quoted));
    const options = parseKeyOptions(told);
    if (options !== undefined && this.#keyOptions.size < MAX_KEY_OPTIONS) this.#keyOptions.set(told, options);
    this.#context.logger.debug(`bastion: ${printableLine(told)}`);
  }
}

/** The bastion said nothing for too long. */
class Silence extends Error {
  override readonly name = 'Silence';
}

/** A failure of the path and not of the authentication: worth another connection. */
function isNetworkFailure(thrown: unknown): boolean {
  return systemCodeOf(thrown)?.startsWith('E') === true;
}

/** The cipher authenticates by itself where there is no name of a MAC. */
function bothWays(up: string, down: string): string {
  if (up === down) return up === '' ? 'implicit' : up;
  return `${up} up, ${down} down`;
}
