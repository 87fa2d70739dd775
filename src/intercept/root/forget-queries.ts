import { DNS_PORT } from '../../net/address/endpoint.ts';
import { forgetExchanges } from '../../net/native/netlink/conntrack.ts';
import type { DnsRedirect, NameserverRedirect } from '../rules/redirect-plan.ts';

/**
 * After the rules have changed from one redirect to the other: has the kernel forget where queries by UDP went before, which it
 * otherwise holds to for two minutes (native-notes/stale-mappings.md). A query then goes where the rules say, whatever port
 * it comes from. What the tunnel has not answered yet is forgotten too, as its client asks again; of what a nameserver has
 * not, the answer is let in.
 *
 * Does nothing where the kernel refuses (Linux up to 6.8): then it forgets by itself, in its own time.
 */
export function forgetQueries(
  before: DnsRedirect | null,
  now: DnsRedirect | null,
  forget: typeof forgetExchanges = forgetExchanges,
): void {
  const ended = without(before, now).map(({ nameserver }) => ({ nameserver, answeredOnly: false }));
  const begun = without(now, before).map(({ nameserver }) => ({ nameserver, answeredOnly: true }));
  for (const { nameserver, answeredOnly } of [...ended, ...begun]) {
    try {
      forget({ address: nameserver, port: DNS_PORT, answeredOnly });
    } catch {
      return;
    }
  }
}

/** What `some` redirects and `others` does not, or to another port. */
function without(some: DnsRedirect | null, others: DnsRedirect | null): readonly NameserverRedirect[] {
  const redirects = some?.redirects ?? [];
  return redirects.filter(
    ({ nameserver, port }) =>
      others?.redirects.some((other) => other.nameserver === nameserver && other.port === port) !== true,
  );
}
