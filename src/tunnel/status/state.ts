import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';

type RulesGone = NonNullable<RedirectIngress['rulesGone']>;

/** What a tunnel waits for; times are ms since 1970. */
export type WaitReason =
  /** The next attempt to connect. */
  | { readonly kind: 'backoff'; readonly retryAtMs: number }
  /** The bastion closed an idle connection: the next flow has it opened again. */
  | { readonly kind: 'parked' }
  /**
   * The user. `refused`: the bastion did not let us in, and nothing is tried before the user logs in. `would ask`: the next
   * login asks somebody, which is done when there is a prompter and something waits.
   */
  | { readonly kind: 'user'; readonly why: 'refused' | 'would ask' };

/**
 * Where a tunnel is in its life; plain data. `sinceMs` is ms since 1970.
 *
 *     connecting ──carries──> up ──lost──> connecting ──failed──> waiting: backoff ──time, network, retry──> connecting
 *                              │                └──authentication failed, or would ask──> waiting: user ──login──> connecting
 *                              └──closed by the bastion while idle──> waiting: parked ──flow──> connecting
 *
 * up is shown as uncaptured while the bastion is connected, and there are no rules:
 *
 *     up ──helper ended──────────────────────────> uncaptured ──another one has set them──> up
 *      └──another program removes them, and they cannot be put back, or not for long──┘└──put back──> up
 *
 * and from each of them to stopped, which is the end. A tunnel whose first connection fails has never been.
 */
export type TunnelState =
  | { readonly kind: 'connecting'; readonly sinceMs: number }
  | { readonly kind: 'up'; readonly sinceMs: number }
  | ({ readonly kind: 'uncaptured' } & RulesGone)
  | { readonly kind: 'waiting'; readonly sinceMs: number; readonly for: WaitReason }
  | { readonly kind: 'stopped'; readonly sinceMs: number };

/** What is shown of a tunnel whose bastion is in this state, and whose rules may be gone. */
export function withRules(bastion: TunnelState, rulesGone: RulesGone | undefined): TunnelState {
  return bastion.kind !== 'up' || rulesGone === undefined ? bastion : { kind: 'uncaptured', ...rulesGone };
}
