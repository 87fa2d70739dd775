import type { Logger } from '../../../core/log.ts';
import { printable, printableLine } from '../../../core/printable.ts';
import { type KeyOptions, parseKeyOptions } from '../../key-options.ts';
import type { Prompter } from '../../prompter.ts';

/** More keys than any bastion wants of one user (AuthenticationMethods). */
const MAX_KEY_OPTIONS = 16;

/**
 * What a bastion tells beside the handshake: its banner, its algorithm lists, and SSH_MSG_DEBUG ("key options ..."). The only
 * source of the last two is ssh2's debug output.
 */
export class ServerMessages {
  readonly #logger: Logger;
  readonly #algorithms = new Map<string, string>();
  readonly #keyOptions = new Map<string, KeyOptions>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Its algorithms by ssh2's name for the list, as far as it told them. */
  get algorithms(): ReadonlyMap<string, string> {
    return this.#algorithms;
  }

  /** Of the keys that let us in; sshd tells them right after the authentication. */
  get keyOptions(): readonly KeyOptions[] {
    return [...this.#keyOptions.values()];
  }

  /** Takes a banner (RFC 4252 section 5.4), which is for the user, where there is one. */
  banner(text: string, prompter: Prompter): void {
    if (prompter.available) prompter.show(printable(text).trimEnd());
    else this.#logger.info(`banner of the bastion: ${printableLine(text)}`);
  }

  /** Takes a line of ssh2's debug output. */
  onDebugLine(line: string): void {
    const list = /^Handshake: \(remote\) ([^:]+): (.*)$/.exec(line);
    if (list !== null) this.#algorithms.set(list[1] ?? '', list[2] ?? '');
    const quoted = /^Debug output from server: (".*")$/s.exec(line)?.[1];
    if (quoted === undefined) return;
    const text = String(JSON.parse(quoted));
    const options = parseKeyOptions(text);
    if (options !== undefined && this.#keyOptions.size < MAX_KEY_OPTIONS) this.#keyOptions.set(text, options);
    this.#logger.debug(`bastion: ${printableLine(text)}`);
  }
}
