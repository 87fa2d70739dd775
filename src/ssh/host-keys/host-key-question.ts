import { fingerprintOf, keyTypeName, type PublicKey } from '../keys/public-key.ts';
import type { Prompter } from '../prompter.ts';
import type { SshTarget } from '../ssh-target.ts';
import { hostKeyError, locationOf } from './host-key-errors.ts';
import type { KnownHostEntry } from './known-hosts.ts';

/** A key of which nothing is known that would decide. */
export interface DoubtfulKey {
  readonly key: PublicKey;
  /** Filed for the same host. */
  readonly otherKeys: readonly KnownHostEntry[];
  /** Why the certificate that it came in does not count; undefined where it came alone. */
  readonly certificateProblem: string | undefined;
}

/**
 * Asks the user whether to go on, as OpenSSH does; `yes` and the key's own fingerprint are an acceptance.
 *
 * @param context with the bastion's literal address, or how it is reached
 * @throws TshuttleError ERR_HOST_KEY when it is not accepted
 */
export async function askAboutHostKey(
  target: SshTarget,
  { prompter, address }: { readonly prompter: Prompter; readonly address: string },
  { key, otherKeys, certificateProblem }: DoubtfulKey,
): Promise<void> {
  const fingerprint = fingerprintOf(key);
  prompter.show(
    [
      ...(certificateProblem === undefined
        ? []
        : [`Its host certificate does not count: ${certificateProblem}.`]),
      `The authenticity of host '${target.hostKeys.lookupName} (${address})' can't be established.`,
      `${keyTypeName(key.type)} key fingerprint is ${fingerprint}.`,
      otherKeys.length === 0
        ? 'This key is not known by any other names.'
        : `The host is known by other keys: ${otherKeys.map(locationOf).join(', ')}.`,
    ].join('\n'),
  );
  let question = 'Are you sure you want to continue connecting (yes/no/[fingerprint])? ';
  for (;;) {
    const answer = (await prompter.ask(question, { echo: true }))?.trim();
    if (answer?.toLowerCase() === 'yes' || answer === fingerprint) return;
    if (answer === undefined || answer.toLowerCase() === 'no')
      throw hostKeyError(
        target,
        'has a host key that you did not accept',
        `compare the ${keyTypeName(key.type)} fingerprint with what the bastion's administrator says; if it is the same, run this again and answer yes`,
      );
    question = "Please type 'yes', 'no' or the fingerprint: ";
  }
}
