import { hasRoute } from '../net/machine/route-check.ts';
import type { RedirectIngress } from './redirect-ingress.ts';

/** Where nothing is captured: no rules, no helper, no root. */
export const NO_REDIRECT: RedirectIngress = {
  method: 'none',
  families: [4, 6],
  lost: new Promise(() => {}),
  rulesGone: undefined,
  capture: async () => {},
  hasRoute,
  addRoute: async () => {},
  endStranded: async (connections) => connections.map(() => 'told'),
  problems: [],
  check: async () => [],
  datagrams: async () => {
    throw new Error('nothing is captured');
  },
  followOthers: async () => {},
  addFamilies: async () => false,
  close: async () => {},
};
