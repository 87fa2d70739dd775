import { MessageAllowance } from './message-allowance.ts';

/**
 * Useless messages: so many at once, and so many a second in the long run. No server sends them in numbers; a few keepalives a
 * second are many. OpenSSH gives a connection up at the first of most of them.
 */
const USELESS_AT_ONCE = 2_000;
const USELESS_PER_SECOND = 100;

/** A bastion has done what no server does: the connection is closed. The message is for people, with the bastion as its subject. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/** How many messages of no use there may be. */
export function uselessMessages(): MessageAllowance {
  return new MessageAllowance(USELESS_AT_ONCE, USELESS_PER_SECOND);
}

/** Whether a bastion keeps to the protocol, as far as channels go. */
export class PeerConduct {
  readonly #onViolated: (how: string) => void;
  readonly #useless = uselessMessages();

  /** @param onViolated called, perhaps more than once, when it does not: the connection must be closed */
  constructor(onViolated: (how: string) => void) {
    this.#onViolated = onViolated;
  }

  /** It has sent what nobody asked for, and what changes nothing. */
  uselessMessage(): void {
    const isOneTooMany = !this.#useless.spend(performance.now());
    if (isOneTooMany) this.violated('it sends message after message that is of no use');
  }

  /** It has sent what it must not. @param how for people */
  violated(how: string): void {
    this.#onViolated(how);
  }
}
