import type { Logger } from '../../core/log.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import type { DescriptorBudget } from '../../net/sockets/descriptor-budget.ts';
import { diagnoseProhibition, type ForwardingDiagnosis } from '../../ssh/forwarding-diagnosis.ts';
import type { FlowEnd, Refusal } from '../../ssh/transport.ts';
import type { FailureCause, FailureCount } from '../status/status.ts';
import { failureCauseOf, isUnknownName } from './flow-end.ts';

/** Names that are told to be unknown; more are found in the lines of their flows. */
const MAX_UNKNOWN_NAMES = 100;

/** Destinations that are told to be prohibited: one by one, for each needs a line of its own in PermitOpen. */
const MAX_PROHIBITED = 20;

/** What there is to do, where that does not depend on the destination. */
const ADVICE: Readonly<Record<Exclude<FailureCause, 'prohibited' | 'own-descriptors'>, string | null>> = {
  refused: 'check the port, and that something listens there',
  'unknown-name': 'check the name: that is what the resolver there says of it',
  unreachable: 'check the address, and the way from the bastion to there: routes and firewalls',
  'bastion-lost': null,
  'bastion-descriptors': 'ask for more open files for sshd on the bastion (LimitNOFILE= of its service)',
  other: 'the log with -v has the words for each',
};

interface FailuresContext {
  readonly logger: Logger;
  readonly descriptors: DescriptorBudget;
  /** Another destination, for people, to which the bastion has connected, or tried to. */
  readonly permitted: () => string | undefined;
}

/** The last failure for one cause, and how many there were. */
interface Failure {
  readonly count: number;
  readonly lastAtMs: number;
  readonly destination: HostPort | undefined;
  readonly end: FlowEnd | undefined;
}

/** Counts what could not be carried, by cause, and warns once of what the user has to know. */
export class Failures {
  readonly #context: FailuresContext;
  readonly #byCause = new Map<FailureCause, Failure>();
  readonly #unknownNames = new Set<string>();
  /** Destinations of which has been said that the bastion prohibits them. */
  readonly #prohibited = new Set<string>();
  #hasWarnedOfDescriptors = false;

  constructor(context: FailuresContext) {
    this.#context = context;
  }

  /**
   * Takes how a flow has ended.
   *
   * @param isNamed whether the destination's name came from an answer of ours
   */
  ended(end: FlowEnd, destination: HostPort, isNamed: boolean): void {
    const cause = failureCauseOf(end);
    if (cause === undefined) return;
    this.#count(cause, destination, end);
    if (cause === 'own-descriptors') this.#warnOfDescriptors();
    if (cause === 'prohibited') this.#warnOfProhibition(destination, end);
    if (isNamed && isUnknownName(end)) this.#warnOfName(destination.host);
  }

  /** A connection was rejected for want of descriptors, before it could say where to. */
  rejected(): void {
    this.#count('own-descriptors', undefined, undefined);
    this.#warnOfDescriptors();
  }

  /** The causes there were, the most frequent first. */
  list(): readonly FailureCount[] {
    return [...this.#byCause]
      .sort(([, one], [, other]) => other.count - one.count)
      .map(([cause, failure]) => ({
        cause,
        count: failure.count,
        lastAtMs: failure.lastAtMs,
        lastDestination: failure.destination === undefined ? null : whereOf(failure.destination),
        advice: this.#adviceFor(cause, failure),
      }));
  }

  #count(cause: FailureCause, destination: HostPort | undefined, end: FlowEnd | undefined): void {
    const before = this.#byCause.get(cause)?.count ?? 0;
    this.#byCause.set(cause, { count: before + 1, lastAtMs: Date.now(), destination, end });
  }

  #adviceFor(cause: FailureCause, { destination, end }: Failure): string | null {
    if (cause === 'own-descriptors') return moreDescriptors();
    if (cause !== 'prohibited') return ADVICE[cause];
    return destination === undefined ? null : this.#diagnose(destination, end).remedy;
  }

  #diagnose(destination: HostPort, end: FlowEnd | undefined): ForwardingDiagnosis {
    const other = this.#context.permitted();
    const permitted = other === whereOf(destination) ? undefined : other;
    const { keyOptions = [] }: Partial<Refusal> = end?.kind === 'refused' ? end : {};
    return diagnoseProhibition(destination, { keyOptions, permitted });
  }

  #warnOfProhibition(destination: HostPort, end: FlowEnd): void {
    const where = whereOf(destination);
    if (this.#prohibited.has(where) || this.#prohibited.size >= MAX_PROHIBITED) return;
    this.#prohibited.add(where);
    const { reason, remedy } = this.#diagnose(destination, end);
    const more =
      this.#prohibited.size < MAX_PROHIBITED
        ? ''
        : `; -v shows others, which are not told like this any more`;
    this.#context.logger.warn(`the bastion prohibits forwarding to ${where}: ${reason}; ${remedy}${more}`);
  }

  #warnOfName(name: string): void {
    if (this.#unknownNames.has(name) || this.#unknownNames.size >= MAX_UNKNOWN_NAMES) return;
    this.#unknownNames.add(name);
    this.#context.logger.warn(
      `${name} does not exist at the bastion: a connection to it was reset, and queries are told so from now on; said once for each name`,
    );
  }

  #warnOfDescriptors(): void {
    if (this.#hasWarnedOfDescriptors) return;
    this.#hasWarnedOfDescriptors = true;
    const { limit, reserve } = this.#context.descriptors;
    this.#context.logger.warn(
      `out of file descriptors: this process may have ${limit} open, of which ${reserve} are kept for its own needs; ` +
        `new connections are reset until others have ended; ${moreDescriptors()}; status counts them, this is said once`,
    );
  }
}

function moreDescriptors(): string {
  const { moreDescriptors: where, moreDescriptorsOf } = systemWords();
  const now =
    moreDescriptorsOf === undefined ? '' : `; or, for the one that runs, ${moreDescriptorsOf(process.pid)}`;
  return `allow more: ${where}${now}`;
}

function whereOf({ host, port }: HostPort): string {
  return formatHostPort(host, port);
}
