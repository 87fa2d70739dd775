import type { Logger } from '../../core/log.ts';
import type { Prompter } from '../prompter.ts';
import type { AuthenticationPolicy, IdentityFile } from '../ssh-target.ts';
import { acceptedKey, whyTooSmall } from './accepted-key.ts';
import { type AgentKey, listAgentKeys, signWithAgent } from './agent-client.ts';
import { type Certificate, isCertificateType, parseCertificate } from './certificate.ts';
import { type Identity, readIdentity, signingKeyOf, unlockIdentity } from './identity-file.ts';
import { fingerprintOf, keyTypeName, type PublicKey, samePublicKey } from './public-key.ts';
import {
  describeKeyFrom,
  isSecurityKey,
  KeyUnavailableError,
  type SigningKey,
  whyUnusable,
} from './signing-key.ts';
import { readCertificateFiles } from './user-certificates.ts';

/** Dependencies of {@link keyCandidates}, beside the policy. */
export interface KeyCandidateContext {
  readonly prompter: Prompter;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told of every key that was passed over, and why. */
  note(reason: string, remedy?: string): void;
  /** Called when a signature needs an action of the user. */
  readonly onInteractive?: (() => void) | undefined;
}

/** An agent that takes longer to sign has asked its user (`ssh-add -c`), or waited for a touch: no message tells of that. */
const UNASKED_SIGNATURE_MS = 1_000;

/**
 * The keys to offer, in this order: certificates, as OpenSSH does (those that a file names first), the agent's that an identity file names, the files that the user named, the agent's
 * others (unless IdentitiesOnly), the files that OpenSSH tries by default.
 *
 * OpenSSH offers a named file last; with many keys in the agent, sshd's MaxAuthTries cuts it off before that.
 * The agent is asked, and files are read, when the first key is wanted.
 */
export async function* keyCandidates(
  policy: AuthenticationPolicy,
  context: KeyCandidateContext,
): AsyncGenerator<SigningKey, void, undefined> {
  for await (const key of allKeys(policy, context)) {
    const whySmall = whyTooSmall(key.publicKey, policy.requiredRsaBits);
    const accepted = whySmall === undefined ? acceptedKey(key, policy.acceptedAlgorithms) : undefined;
    if (accepted !== undefined) yield accepted;
    else
      context.note(`${key.description} is skipped: ${whySmall ?? 'it is not in PubkeyAcceptedAlgorithms'}`);
  }
}

async function* allKeys(
  policy: AuthenticationPolicy,
  context: KeyCandidateContext,
): AsyncGenerator<SigningKey, void, undefined> {
  const held = await agentKeysOf(policy, context);
  const agentCertificates = held.flatMap((key) => certifiedAgentKey(key, context));
  const agentKeys = held.filter(
    (key) =>
      !isCertificateType(key.publicKey.type) &&
      isUsable(key.publicKey.type, `the agent's key ${key.comment}`, context),
  );
  const identities = await readIdentities(policy.identities, context);
  const isInAgent = (identity: Identity): boolean =>
    agentKeys.some((agentKey) => isKeyOf(agentKey, identity));
  const isNamed = (agentKey: AgentKey): boolean => identities.some((identity) => isKeyOf(agentKey, identity));
  const files = identities.filter((identity) => !isInAgent(identity));

  yield* certifiedKeys({ agentKeys, agentCertificates, identities }, policy, context);
  for (const identity of identities) {
    const agentKey = agentKeys.find((candidate) => isKeyOf(candidate, identity));
    if (agentKey !== undefined) yield agentSigningKey(agentKey, policy, context);
  }
  yield* fileSigningKeys(files, 'named', context);
  if (!policy.identitiesOnly) {
    for (const agentKey of agentKeys) {
      if (!isNamed(agentKey)) yield agentSigningKey(agentKey, policy, context);
    }
  }
  yield* fileSigningKeys(files, 'default', context);
}

function isKeyOf(agentKey: AgentKey, identity: Identity): boolean {
  return identity.publicKey !== undefined && samePublicKey(agentKey.publicKey, identity.publicKey);
}

async function agentKeysOf(policy: AuthenticationPolicy, context: KeyCandidateContext): Promise<AgentKey[]> {
  if (policy.agentSocket === undefined) return [];
  return (await noteUnavailable(listAgentKeys(policy.agentSocket, context.signal), context)) ?? [];
}

interface CertifiedAgentKey extends AgentKey {
  readonly certificate: Certificate;
}

function certifiedAgentKey(key: AgentKey, context: KeyCandidateContext): CertifiedAgentKey[] {
  if (!isCertificateType(key.publicKey.type)) return [];
  const certificate = parseCertificate(key.publicKey.blob);
  if (certificate?.kind !== 'user') {
    context.note(`the agent's ${key.comment} is not a user certificate`);
    return [];
  }
  const isGood = isUsable(certificate.certifiedKey.type, `the agent's certificate ${key.comment}`, context);
  return isGood ? [{ ...key, certificate }] : [];
}

/** The agent's certificates, unless IdentitiesOnly rules them out, and those in files whose private key is at hand. */
async function* certifiedKeys(
  at: {
    readonly agentKeys: readonly AgentKey[];
    readonly agentCertificates: readonly CertifiedAgentKey[];
    readonly identities: readonly Identity[];
  },
  policy: AuthenticationPolicy,
  context: KeyCandidateContext,
): AsyncGenerator<SigningKey, void, undefined> {
  const files = readCertificateFiles(policy, (reason) => context.note(reason));
  const inFile = (held: CertifiedAgentKey) =>
    files.some(({ certificate }) => samePublicKey(certificate.key, held.publicKey)) ||
    at.identities.some(({ publicKey }) => isOver(held.certificate, publicKey));
  const sorted = [
    ...at.agentCertificates.filter(inFile),
    ...at.agentCertificates.filter((one) => !inFile(one)),
  ];
  for (const held of sorted) {
    if (!policy.identitiesOnly || inFile(held)) {
      yield {
        ...agentSigningKey(held, policy, context),
        ...certified(held.certificate, `agent, ${held.comment}`),
      };
    }
  }
  for (const { path, certificate } of files) {
    if (at.agentCertificates.some((held) => samePublicKey(held.publicKey, certificate.key))) continue;
    const inAgent = at.agentKeys.find(({ publicKey }) => isOver(certificate, publicKey));
    const inIdentity = at.identities.find(
      ({ publicKey, privateText }) =>
        privateText !== undefined && !isInSecurityKey(publicKey) && isOver(certificate, publicKey),
    );
    if (inAgent !== undefined) {
      yield { ...agentSigningKey(inAgent, policy, context), ...certified(certificate, path) };
    } else if (inIdentity !== undefined) {
      const key = signingKeyOf(inIdentity, certificate.certifiedKey, context.prompter, undefined);
      yield { ...key, ...certified(certificate, path) };
    } else context.note(`the private key of the certificate ${path} is not at hand`);
  }
}

function certified(certificate: Certificate, source: string) {
  const { certifiedKey } = certificate;
  const description = `${keyTypeName(certifiedKey.type)}-CERT ${fingerprintOf(certifiedKey)} (${source})`;
  return { publicKey: certifiedKey, certificate, description };
}

function isOver(certificate: Certificate, key: PublicKey | undefined): boolean {
  return key !== undefined && samePublicKey(certificate.certifiedKey, key);
}

async function readIdentities(
  files: readonly IdentityFile[],
  context: KeyCandidateContext,
): Promise<Identity[]> {
  const identities: Identity[] = [];
  for (const file of files) {
    const identity = await noteUnavailable(readIdentity(file), context);
    if (identity === undefined) {
      if (file.origin === 'named') context.logger.debug(`no identity read from ${file.path}`);
    } else if (identity.publicKey === undefined || isUsable(identity.publicKey.type, file.path, context)) {
      identities.push(identity);
    }
  }
  return identities;
}

function isUsable(type: string, source: string, context: KeyCandidateContext): boolean {
  const reason = whyUnusable(type);
  if (reason !== undefined) context.note(`${source} is skipped: ${reason}`);
  return reason === undefined;
}

function agentSigningKey(
  key: AgentKey,
  policy: AuthenticationPolicy,
  context: KeyCandidateContext,
): SigningKey {
  const { agentSocket = '' } = policy;
  return {
    publicKey: key.publicKey,
    description: describeKeyFrom(key.publicKey, `agent, ${key.comment}`),
    sign: async (data, algorithm) => {
      if (isSecurityKey(algorithm)) askForTouch(key, context);
      const startedAtMs = performance.now();
      const signature = await signWithAgent(agentSocket, key.publicKey, data, algorithm, context.signal);
      if (performance.now() - startedAtMs > UNASKED_SIGNATURE_MS) context.onInteractive?.();
      return signature;
    },
  };
}

/** The agent may have no way to say so itself. */
function askForTouch(key: AgentKey, { prompter, logger, onInteractive }: KeyCandidateContext): void {
  onInteractive?.();
  const text = `touch the security key of ${key.comment}, if it waits for that`;
  if (prompter.available) prompter.show(text);
  else logger.info(text);
}

function isInSecurityKey(key: PublicKey | undefined): boolean {
  return key !== undefined && isSecurityKey(key.type);
}

async function* fileSigningKeys(
  identities: readonly Identity[],
  origin: IdentityFile['origin'],
  context: KeyCandidateContext,
): AsyncGenerator<SigningKey, void, undefined> {
  for (const identity of identities) {
    if (identity.file.origin !== origin) continue;
    if (isInSecurityKey(identity.publicKey)) {
      context.note(
        `${identity.file.path} is in a security key (FIDO), and the agent has it not`,
        `load it with ssh-add ${identity.file.path}`,
      );
      continue;
    }
    if (identity.privateText === undefined) {
      context.note(`${identity.file.path} has only the public half, and the agent has not the private one`);
      continue;
    }
    // An encrypted PEM without .pub cannot be offered before it is decrypted.
    const decrypted =
      identity.publicKey === undefined
        ? await noteUnavailable(unlockIdentity(identity, context.prompter), context)
        : undefined;
    const publicKey = identity.publicKey ?? decrypted?.publicKey;
    if (publicKey !== undefined) yield signingKeyOf(identity, publicKey, context.prompter, decrypted);
  }
}

async function noteUnavailable<T>(attempt: Promise<T>, context: KeyCandidateContext): Promise<T | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (!(error instanceof KeyUnavailableError)) throw error;
    context.note(error.message, error.remedy);
    return undefined;
  }
}
