import type { Logger } from '../../core/log.ts';
import type { Certificate } from '../keys/certificate.ts';
import { fingerprintOf, type PublicKey, samePublicKey } from '../keys/public-key.ts';
import { rsaBits } from '../keys/signature.ts';
import type { Prompter } from '../prompter.ts';
import type { SshTarget } from '../ssh-target.ts';
import { type CertificateProblem, decideHostCertificate, describeCertificate } from './host-certificate.ts';
import { decideHostKey } from './host-key-decision.ts';
import {
  certificateError,
  changedKeyError,
  describeKey,
  hostKeyError,
  locationOf,
  revokedKeyError,
  unknownKeyError,
} from './host-key-errors.ts';
import { askAboutHostKey } from './host-key-question.ts';
import { entryNames, type KnownHostEntry } from './known-hosts.ts';
import { askKnownHostsCommand } from './known-hosts-command.ts';
import { addKnownHost } from './known-hosts-files.ts';
import { type PresentedHostKey, readPresentedKey } from './presented-host-key.ts';
import { findRevocation } from './revoked-keys.ts';

/** Dependencies of {@link HostKeyVerifier}, beside the target. */
export interface HostKeyContext {
  readonly entries: readonly KnownHostEntry[];
  /** The only key that counts, where the bastion has been connected to before. */
  readonly heldKey: PublicKey | undefined;
  readonly prompter: Prompter;
  readonly logger: Logger;
  /** Ends a KnownHostsCommand. */
  readonly signal: AbortSignal;
  /** The bastion's literal address, or how it is reached where a proxy knows it; to be shown in the question. */
  readonly address: string;
}

/** A certificate that a known authority has signed and that nevertheless does not count. */
interface RefusedCertificate {
  readonly certificate: Certificate;
  readonly authority: KnownHostEntry;
  readonly problem: CertificateProblem;
}

/**
 * Checks a bastion's host key at the first key exchange, and holds it to the same key at every later one.
 *
 * ```
 * shown ──> revoked, too small ─────────────────────────────────────────────────────> refused
 *   ├─ held to an earlier connection ──> its key ──> accepted, else refused
 *   ├─ certificate of a known authority ──> for this host, now ──> accepted
 *   │                                  └──> else its plain key counts:
 *   └─ plain key ──> filed ──> accepted;  changed ──> refused;  unknown ──> asked, filed ──> accepted, or refused
 * ```
 *
 * A key is filed only by {@link HostKeyVerifier.handshakeDone}: before, the bastion has not proved that it owns it.
 */
export class HostKeyVerifier {
  readonly #target: SshTarget;
  readonly #context: HostKeyContext;
  #accepted: PresentedHostKey | undefined;
  #toRecord: PublicKey | undefined;
  #mayUpdate = false;

  constructor(target: SshTarget, context: HostKeyContext) {
    this.#target = target;
    this.#context = context;
  }

  /** The accepted key, without its certificate; undefined before the first key exchange. */
  get acceptedKey(): PublicKey | undefined {
    return this.#accepted?.key;
  }

  /**
   * Whether UpdateHostKeys applies: the key is trusted by a line of the user's own for just this name, or by the user in
   * person; not by a certificate, a command, the files of all users, or the name without its port.
   */
  get mayUpdateKeys(): boolean {
    return this.#mayUpdate && this.#target.hostKeys.updateKeys !== 'no';
  }

  /**
   * Accepts the key by returning.
   *
   * @throws TshuttleError ERR_HOST_KEY when the key is changed, revoked, too small, unknown and not accepted, or another
   *   than at the first key exchange.
   */
  async verify(blob: Buffer): Promise<void> {
    if (this.#accepted === undefined) await this.#checkFirst(readPresentedKey(this.#target, blob));
    else this.verifyAgain(blob);
  }

  /** The check of a later key exchange; as {@link HostKeyVerifier.verify}, and at once. */
  verifyAgain(blob: Buffer): void {
    if (this.#accepted?.blob.equals(blob) === true) return;
    throw hostKeyError(this.#target, 'shows another host key than at the start of this connection');
  }

  /** Files a newly accepted key, now that the bastion has signed with it. Does nothing the second time. */
  async handshakeDone(): Promise<void> {
    const key = this.#toRecord;
    this.#toRecord = undefined;
    if (key !== undefined) addKnownHost(this.#target.hostKeys, key, this.#context.logger);
  }

  async #checkFirst(shown: PresentedHostKey): Promise<void> {
    this.#refuseSmall(shown.key);
    await this.#refuseRevoked(shown);
    if (this.#context.heldKey !== undefined) {
      this.#requireHeld(shown.key, this.#context.heldKey);
      this.#accepted = shown;
      return;
    }
    const entries = [...this.#context.entries, ...(await this.#askCommand(shown))];
    const { certificate } = shown;
    const refused = certificate === undefined ? undefined : this.#judgeCertificate(certificate, entries);
    if (refused !== 'trusted') await this.#checkPlainKey(shown.key, entries, refused);
    this.#accepted = shown;
  }

  #refuseSmall(key: PublicKey): void {
    const bits = rsaBits(key);
    const { requiredRsaBits } = this.#target.hostKeys;
    if (bits === undefined || bits >= requiredRsaBits) return;
    throw hostKeyError(
      this.#target,
      `has the ${describeKey(key)} of ${bits} bits, and RequiredRSASize is ${requiredRsaBits}`,
      'ask who runs the bastion for a larger or an Ed25519 host key',
    );
  }

  #requireHeld(key: PublicKey, held: PublicKey): void {
    if (samePublicKey(key, held)) return;
    throw hostKeyError(
      this.#target,
      `shows the ${describeKey(key)}, and showed the ${describeKey(held)} on the connection before`,
      'name one bastion, not several behind one name',
    );
  }

  async #refuseRevoked(shown: PresentedHostKey): Promise<void> {
    const { key, certificate } = shown;
    const file = await findRevocation(this.#target.hostKeys.revokedKeyFiles, shown, this.#context.signal);
    if (file === undefined) return;
    const inCertificate = certificate === undefined ? '' : ` in the ${describeCertificate(certificate)}`;
    throw revokedKeyError(this.#target, `${describeKey(key)}${inCertificate}`, file);
  }

  async #askCommand({ blob, key, certificate }: PresentedHostKey): Promise<KnownHostEntry[]> {
    const { knownHostsCommand, lookupName } = this.#target.hostKeys;
    const question = {
      invocation: 'HOSTNAME',
      name: lookupName,
      key: { type: certificate?.key.type ?? key.type, blob },
      fingerprint: fingerprintOf(key),
    } as const;
    return await askKnownHostsCommand(knownHostsCommand, question, this.#context);
  }

  /** @returns undefined where the certificate says nothing to us, and its plain key is as good as without it. */
  #judgeCertificate(
    certificate: Certificate,
    entries: readonly KnownHostEntry[],
  ): 'trusted' | RefusedCertificate | undefined {
    const { logger } = this.#context;
    const described = describeCertificate(certificate);
    const decision = decideHostCertificate(certificate, this.#target.hostKeys, entries, Date.now());
    switch (decision.kind) {
      case 'trusted':
        logger.debug(`accepted the ${described}, by ${locationOf(decision.entry)}`);
        return 'trusted';
      case 'unknown authority':
        logger.debug(`no authority is known for the ${described}: its plain key counts`);
        return undefined;
      case 'refused':
        return { certificate, authority: decision.entry, problem: decision.problem };
      case 'revoked':
        throw revokedKeyError(
          this.#target,
          decision.what === 'authority' ? described : describeKey(certificate.certifiedKey),
          locationOf(decision.entry),
        );
    }
  }

  async #checkPlainKey(
    key: PublicKey,
    entries: readonly KnownHostEntry[],
    refused: RefusedCertificate | undefined,
  ): Promise<void> {
    const decision = decideHostKey(key, this.#target.hostKeys, entries);
    switch (decision.kind) {
      case 'trusted':
        this.#mayUpdate = this.#isUsersOwn(decision.entry);
        if (refused !== undefined) {
          const { certificate, problem } = refused;
          this.#context.logger.warn(
            `the ${describeCertificate(certificate)} does not count, as ${problem.reason}; its plain key is known`,
          );
        }
        return;
      case 'unknown':
        await this.#acceptUnknown(key, decision.otherKeys, refused);
        this.#toRecord = key;
        return;
      case 'changed':
        throw changedKeyError(this.#target, key, decision.entries);
      case 'revoked':
        throw revokedKeyError(this.#target, describeKey(key), locationOf(decision.entry));
    }
  }

  #isUsersOwn(entry: KnownHostEntry): boolean {
    const { userFiles, globalFiles, lookupName } = this.#target.hostKeys;
    const isInUserFile = userFiles.includes(entry.file) && !globalFiles.includes(entry.file);
    return isInUserFile && entryNames(entry, lookupName);
  }

  async #acceptUnknown(
    key: PublicKey,
    otherKeys: readonly KnownHostEntry[],
    refused: RefusedCertificate | undefined,
  ): Promise<void> {
    const { hostKeys, authentication } = this.#target;
    // A host that is known by another type of key, or by an authority, is not a new host: that is not accepted unasked.
    const isNew = otherKeys.length === 0 && refused === undefined;
    if (hostKeys.unknownKey === 'accept' && isNew) return;
    const mayAsk = hostKeys.unknownKey !== 'refuse' && this.#context.prompter.available;
    if (mayAsk && !authentication.batchMode) {
      const certificateProblem = refused?.problem.reason;
      await askAboutHostKey(this.#target, this.#context, { key, otherKeys, certificateProblem });
      this.#mayUpdate = true;
      return;
    }
    if (refused === undefined) throw unknownKeyError(this.#target, key, otherKeys);
    const { certificate, problem, authority } = refused;
    throw certificateError(this.#target, describeCertificate(certificate), problem, authority);
  }
}
