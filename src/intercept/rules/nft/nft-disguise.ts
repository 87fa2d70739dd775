import { type IpFamily, LOOPBACK } from '../../../net/address/literal.ts';
import type { OwnedPlan, RedirectPlan } from '../redirect-plan.ts';
import { divertedReply } from './nft-diversion.ts';

/** Where others guard addresses: wg-quick's chain is at `raw`. */
const GUARDED_PRIORITY = -300;

/** The chains, and when they are asked. */
const DISGUISE_CHAINS = [
  ['disguise', GUARDED_PRIORITY - 1],
  ['undisguise', GUARDED_PRIORITY + 1],
] as const;

/** What the kernel has redirected to loopback by DNAT, on its way back: for such packets alone. */
const REPLY = 'ct direction reply ct status dnat';

/** Matches the replies of our listener, and where they are tracked as such: what was redirected comes from loopback. */
function replyOf({ diversion }: Pick<OwnedPlan, 'diversion'>, family: IpFamily, ip: string): string {
  if (diversion !== undefined) return divertedReply(diversion);
  return `${REPLY} ct reply ${ip} saddr ${LOOPBACK[family]}`;
}

/**
 * The chains of {@link RedirectPlan.replies}; none for plain ones. A reply has the destination's address again when it comes in by
 * lo. To rules at `raw` it is shown as one from loopback, and right after them it is as it was; nothing else looks at it there.
 */
export function renderDisguise(plan: Pick<OwnedPlan, 'families' | 'replies' | 'diversion'>): string[] {
  const { families, replies, diversion } = plan;
  if (replies === 'plain') return [];
  const rules = (render: (family: IpFamily, name: string) => string): string[] =>
    families.map((family) => `    ${render(family, family === 4 ? 'ip' : 'ip6')}`);
  return [
    '  chain disguise {',
    `    type filter hook prerouting priority ${GUARDED_PRIORITY - 1}; policy accept;`,
    ...rules((family, ip) => `iif lo ${replyOf(plan, family, ip)} ${ip} saddr set ${LOOPBACK[family]}`),
    '  }',
    '  chain undisguise {',
    `    type filter hook prerouting priority ${GUARDED_PRIORITY + 1}; policy accept;`,
    ...rules(
      (family, ip) =>
        `iif lo ${ip} saddr ${LOOPBACK[family]} ${diversion === undefined ? REPLY : divertedReply(diversion)} ${ip} saddr set ct original ${ip} daddr`,
    ),
    '  }',
  ];
}

/** The statements that empty those chains before they are rendered anew in the same transaction. */
export function renderDisguiseReset(table: string, { replies }: Pick<RedirectPlan, 'replies'>): string[] {
  if (replies === 'plain') return [];
  return DISGUISE_CHAINS.flatMap(([name, priority]) => [
    `add chain ${table} ${name} { type filter hook prerouting priority ${priority}; policy accept; }`,
    `flush chain ${table} ${name}`,
  ]);
}
