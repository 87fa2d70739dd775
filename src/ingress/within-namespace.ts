import type { CaptureRule } from '../net/address/capture-rule.ts';
import { cidrOf } from '../net/address/cidr.ts';
import { ALL_PORTS } from '../net/address/port-range.ts';
import type { EnteredNamespace } from '../net/machine/namespace/entered-namespace.ts';
import { isRouted } from '../net/machine/route-check.ts';
import type { RedirectIngress } from './redirect-ingress.ts';

/**
 * In a namespace of our own nothing leads past us, and what is not captured is relayed: no connection is exempt. Nor does any
 * network want for a route.
 */
export function capturingAll(ingress: RedirectIngress): RedirectIngress {
  const all = ['0.0.0.0', '::'].map(
    (address): CaptureRule => ({ action: 'include', cidr: cidrOf(address, 0), ports: ALL_PORTS }),
  );
  return {
    ...ingress,
    get rulesGone() {
      return ingress.rulesGone;
    },
    get problems() {
      return ingress.problems;
    },
    capture: (_rules, _exempt, dns) => ingress.capture(all, [], dns),
    hasRoute: async () => true,
    addRoute: async () => {},
    // We are not in it ourselves, and its rules are all ours.
    check: async () => [],
    followOthers: async () => {},
  };
}

/** In a namespace of others, where we open no connection ourselves: none has to be exempt, and none can be tried. */
export function capturingWithin(ingress: RedirectIngress, namespace: EnteredNamespace): RedirectIngress {
  return {
    ...ingress,
    get rulesGone() {
      return ingress.rulesGone;
    },
    get problems() {
      return ingress.problems;
    },
    capture: (rules, _exempt, dns) => ingress.capture(rules, [], dns),
    hasRoute: (network) => isRouted(network, namespace.lookUpRoute),
    check: async (recapture) =>
      (await ingress.check(recapture)).map((one) => ({
        ...one,
        what: `in ${namespace.description}: ${one.what}`,
      })),
    followOthers: async () => {},
  };
}
