import { GroupSocket } from './group-socket.ts';
import { isOwnRoute, isOwnRule, NETLINK_ROUTE, RTM_DELROUTE, RTM_DELRULE } from './marked-routes.ts';
import {
  messagesIn,
  openDeletionMessages,
  type RulesetDeletion,
  type RulesetMessages,
} from './ruleset-messages.ts';

/** linux/rtnetlink.h: the groups RTNLGRP_IPV4_ROUTE, _IPV4_RULE, _IPV6_ROUTE and _IPV6_RULE, as bits. */
const GROUPS = (1 << 6) | (1 << 7) | (1 << 10) | (1 << 18);

/** What stands for the table in a {@link RulesetDeletion} of a route; its family is AF_INET or AF_INET6. */
export const MARKED_ROUTES = 'routes for marked packets';

/**
 * Has the kernel tell when routes for marked packets go: their rules, or the routes themselves. It does not say who has removed them.
 *
 * @throws Error with what was refused and errno
 */
export function openMarkedRouteMessages(onMessages: () => void): RulesetMessages {
  return openDeletionMessages(GroupSocket.open(NETLINK_ROUTE, GROUPS), readRouteMessages, onMessages);
}

/** Adds what has gone of ours, whichever tunnel's. */
function readRouteMessages(bytes: Buffer, deletions: RulesetDeletion[]): void {
  for (const [type, body] of messagesIn(bytes)) {
    const isOwn = (type === RTM_DELRULE && isOwnRule(body)) || (type === RTM_DELROUTE && isOwnRoute(body));
    if (isOwn) deletions.push({ family: body[0] ?? 0, table: MARKED_ROUTES, chain: undefined });
  }
}
