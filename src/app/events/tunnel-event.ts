/** What may happen to a tunnel that its user wants to hear of; the words are a contract: users' commands have them. */
export const EVENT_KINDS = ['up', 'lost', 'back', 'needs-login', 'given-up', 'down'] as const;

/** One of {@link EVENT_KINDS}. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** What has happened to a tunnel; plain data, in which texts may be a bastion's. */
export interface TunnelEvent {
  readonly kind: EventKind;
  /** The tunnel's. */
  readonly name: string;
  /** For people; empty where the tunnel has never been up. */
  readonly bastion: string;
  /** For people. */
  readonly message: string;
  /** Null when there is nothing to do. */
  readonly remedy: string | null;
  /** Since when it is so, in ms since 1970. */
  readonly sinceMs: number;
}

/** How long telling one event may take. */
export interface DeliveryBounds {
  /** After that it is ended, and has failed. */
  readonly limitMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** One way to tell the user of events. */
export interface EventSink {
  /** For people: `--on-event`. */
  readonly name: string;
  /** From one delivery to the next, in the long run at least. */
  readonly intervalMs: number;
  /** Whether it is best effort: that it does not work is of no interest. */
  readonly isBestEffort: boolean;
  /** What to do where it does not work. */
  readonly remedy: string;
  /** Whether it tells of this one at all. */
  takes(event: TunnelEvent): boolean;
  /** Tells of one event, within the bounds. @throws Error why it did not work */
  deliver(event: TunnelEvent, bounds: DeliveryBounds): Promise<void>;
}
