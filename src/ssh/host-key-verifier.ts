import { TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { decideHostKey } from './host-key-decision.ts';
import type { KnownHostEntry } from './known-hosts.ts';
import { addKnownHost } from './known-hosts-files.ts';
import type { Prompter } from './prompter.ts';
import { fingerprintOf, keyTypeName, type PublicKey, publicKeyFromBlob } from './public-key.ts';
import type { SshTarget } from './ssh-target.ts';
import { describeTarget } from './target-from-config.ts';

/** What the verifier needs beside the target. */
export interface HostKeyContext {
  readonly entries: readonly KnownHostEntry[];
  readonly prompter: Prompter;
  readonly logger: Logger;
  /** The literal address that was dialled, to be shown in the question. */
  readonly address: string;
}

/**
 * Checks a bastion's host key at the first key exchange, and holds it to the same key at every later one.
 *
 * A key is filed only by {@link HostKeyVerifier.handshakeDone}: before, the bastion has not proved that it owns it.
 */
export class HostKeyVerifier {
  readonly #target: SshTarget;
  readonly #context: HostKeyContext;
  #pinned: PublicKey | undefined;
  #toBeFiled: PublicKey | undefined;

  constructor(target: SshTarget, context: HostKeyContext) {
    this.#target = target;
    this.#context = context;
  }

  /** The accepted key; undefined before the first key exchange. */
  get acceptedKey(): PublicKey | undefined {
    return this.#pinned;
  }

  /**
   * Accepts the key by returning.
   *
   * @throws TshuttleError ERR_HOST_KEY when the key is changed, revoked, unknown and not accepted, or another than at the
   *   first key exchange.
   */
  async verify(blob: Buffer): Promise<void> {
    const key = publicKeyFromBlob(blob);
    if (key === undefined) throw this.#failure('shows a host key that cannot be read', undefined);
    if (this.#pinned === undefined) await this.#checkFirst(key);
    else this.verifyAgain(blob);
  }

  /** The check of a later key exchange; as {@link HostKeyVerifier.verify}, and at once. */
  verifyAgain(blob: Buffer): void {
    if (this.#pinned?.blob.equals(blob) === true) return;
    throw this.#failure('shows another host key than at the start of this connection', undefined);
  }

  /** Files a newly accepted key, now that the bastion has signed with it. Does nothing the second time. */
  async handshakeDone(): Promise<void> {
    const key = this.#toBeFiled;
    this.#toBeFiled = undefined;
    if (key !== undefined) await addKnownHost(this.#target.hostKeys, key, this.#context.logger);
  }

  async #checkFirst(key: PublicKey): Promise<void> {
    // The parser's buffer is reused for the next packet.
    const kept: PublicKey = { type: key.type, blob: Buffer.from(key.blob) };
    const decision = decideHostKey(kept, this.#target.hostKeys, this.#context.entries);
    switch (decision.kind) {
      case 'trusted':
        break;
      case 'unknown':
        await this.#acceptUnknown(kept, decision.otherKeys);
        this.#toBeFiled = kept;
        break;
      case 'changed':
        throw this.#changed(kept, decision.entries);
      case 'revoked':
        throw this.#failure(
          `shows the ${describeKey(kept)}, which ${place(decision.entry)} revokes`,
          'ask who runs the bastion for its new key; do not connect before',
        );
    }
    this.#pinned = kept;
  }

  async #acceptUnknown(key: PublicKey, otherKeys: readonly KnownHostEntry[]): Promise<void> {
    const { hostKeys, authentication } = this.#target;
    // A host that is known by another type of key is not a new host: that is not accepted without asking.
    if (hostKeys.unknownKey === 'accept' && otherKeys.length === 0) return;
    const mayAsk = hostKeys.unknownKey !== 'refuse' && this.#context.prompter.available;
    if (!mayAsk || authentication.batchMode) throw this.#unknown(key, otherKeys);
    await this.#ask(key, otherKeys);
  }

  async #ask(key: PublicKey, otherKeys: readonly KnownHostEntry[]): Promise<void> {
    const { prompter, address } = this.#context;
    const fingerprint = fingerprintOf(key);
    prompter.show(
      [
        `The authenticity of host '${this.#target.hostKeys.lookupName} (${address})' can't be established.`,
        `${keyTypeName(key.type)} key fingerprint is ${fingerprint}.`,
        otherKeys.length === 0
          ? 'This key is not known by any other names.'
          : `The host is known by other keys: ${otherKeys.map(place).join(', ')}.`,
      ].join('\n'),
    );
    let question = 'Are you sure you want to continue connecting (yes/no/[fingerprint])? ';
    for (;;) {
      const answer = (await prompter.ask(question, { echo: true }))?.trim();
      if (answer?.toLowerCase() === 'yes' || answer === fingerprint) return;
      if (answer === undefined || answer.toLowerCase() === 'no')
        throw this.#failure(
          'has a host key that you did not accept',
          `compare the ${keyTypeName(key.type)} fingerprint with what the bastion's administrator says; if it is the same, run this again and answer yes`,
        );
      question = "Please type 'yes', 'no' or the fingerprint: ";
    }
  }

  #unknown(key: PublicKey, otherKeys: readonly KnownHostEntry[]): TshuttleError {
    const others = otherKeys.length === 0 ? '' : `; known are ${otherKeys.map(describeEntry).join(', ')}`;
    const { host, port, user, hostKeys } = this.#target;
    const portOption = port === 22 ? '' : ` -p ${port}`;
    const askOption = hostKeys.unknownKey === 'refuse' ? ' -o StrictHostKeyChecking=ask' : '';
    return this.#failure(
      `has an unknown host key, the ${describeKey(key)}${others}`,
      `compare the fingerprint with what the bastion's administrator says; if it is the same, connect once on a terminal with: ssh${portOption}${askOption} ${user}@${host}`,
    );
  }

  #changed(key: PublicKey, entries: readonly KnownHostEntry[]): TshuttleError {
    const file = entries[0]?.file ?? '';
    return this.#failure(
      `shows the ${describeKey(key)}, but another one is known: ${entries.map(describeEntry).join(', ')}; ` +
        'either the key was changed, or somebody is listening in',
      `if the bastion's owner confirms the new key: ssh-keygen -R '${this.#target.hostKeys.lookupName}' -f '${file}'`,
    );
  }

  #failure(what: string, remedy: string | undefined): TshuttleError {
    const message = `bastion ${describeTarget(this.#target)} ${what}`;
    return new TshuttleError('ERR_HOST_KEY', message, remedy === undefined ? {} : { remedy });
  }
}

function describeKey(key: PublicKey): string {
  return `${keyTypeName(key.type)} key ${fingerprintOf(key)}`;
}

function describeEntry(entry: KnownHostEntry): string {
  return `${fingerprintOf(entry.key)} (${place(entry)})`;
}

function place(entry: KnownHostEntry): string {
  return `${entry.file}:${entry.line}`;
}
