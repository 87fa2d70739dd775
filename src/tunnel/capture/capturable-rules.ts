import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type CaptureRule, decidingRule, formatCaptureRule } from '../../net/address/capture-rule.ts';
import { formatCidr } from '../../net/address/cidr.ts';
import { type Endpoint, formatEndpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { isOwnAddress } from '../../net/machine/local-addresses.ts';
import type { SshTarget } from '../../ssh/ssh-target.ts';

/**
 * The rules that can take effect here; warns of those that cannot.
 *
 * @throws TshuttleError ERR_CONFIG when nothing is left to capture
 */
export function capturableRules(
  rules: readonly CaptureRule[],
  families: readonly IpFamily[],
  logger: Logger,
): readonly CaptureRule[] {
  const usable = rules.filter(({ cidr }) => families.includes(cidr.family));
  const leftOut = rules.find((rule) => rule.action === 'include' && !usable.includes(rule));
  if (leftOut !== undefined) {
    const family = `IPv${leftOut.cidr.family}`;
    const why = `this machine cannot capture ${family}, or -l has no ${family} address`;
    if (!usable.some(({ action }) => action === 'include')) {
      throw new TshuttleError('ERR_CONFIG', `nothing is left to capture: ${why}`, {
        remedy: `add a network that is not ${family}, or leave -l out`,
      });
    }
    logger.warn(`${formatCaptureRule(leftOut)} is not captured: ${why}`);
  }
  for (const rule of usable) {
    const address = formatCidr(rule.cidr);
    if (rule.action === 'include' && isOwnAddress(address)) {
      logger.warn(`${address} is this machine itself, and connections to that are never captured`);
    }
  }
  return usable;
}

/**
 * Warns where a ProxyCommand is connected to what the rules capture: that connection is exempt, but nothing keeps the rules
 * from capturing one that it makes later. Says so too where nobody knows what it is connected to.
 *
 * @param peers what the way to the bastion is connected to
 */
export function warnOfProxyCommand(
  target: SshTarget,
  peers: readonly Endpoint[],
  rules: readonly CaptureRule[],
  logger: Logger,
): void {
  let first = target;
  while (first.proxy.kind === 'jump') first = first.proxy.jumpHost;
  if (first.proxy.kind !== 'command') return;
  const captured = peers.filter((peer) => decidingRule(rules, peer, peer.port)?.action === 'include');
  if (captured.length === 0 && peers.length > 0) return;
  const places = [...new Set(captured.map(({ address }) => address))];
  logger.warn(
    `what the ProxyCommand of ${first.requestedHost} connects to later is captured like others: ` +
      (places.length === 0
        ? 'exclude it with -x if it is in a captured network'
        : `now it is connected to ${captured.map(formatEndpoint).join(', ')}; exclude that with -x ${places.join(' -x ')}`),
  );
}
