import type { ErrorCode } from '../../core/errors.ts';
import type { SystemWords } from '../../core/systems/words.ts';

/** The documentation of an error code. */
export interface ErrorPage {
  readonly meaning: string;
  /** What the user can do, in one line: said below a failure that has no better word of its own. */
  readonly remedy: string;
  /** The usual causes, each with its remedy. */
  readonly causes: ReadonlyArray<readonly [cause: string, remedy: string]>;
}

const WITHOUT_RULES = '--socks or tshuttle run --rootless need no rules';

/** What to do where nothing redirects connections, by system. */
export function noInterceptor({ platform, redirector }: SystemWords): Omit<ErrorPage, 'meaning'> {
  if (platform === 'linux') {
    return {
      remedy: 'install nftables (apt install nftables), or use --socks, which needs none',
      causes: [
        ['no nft and no iptables', 'apt install nftables, dnf install nftables, pacman -S nftables'],
        ['a container without CAP_NET_ADMIN', WITHOUT_RULES],
      ],
    };
  }
  if (redirector === undefined) {
    return {
      remedy: 'use --socks, --http-proxy or tshuttle run --rootless, which need no rules',
      causes: [['Windows', 'use tshuttle in WSL2: tshuttle help windows']],
    };
  }
  return {
    remedy: 'see what pf says: sudo pfctl -s info; or use --socks, which needs no rules',
    causes:
      platform === 'darwin'
        ? [
            ['the main ruleset does not call the anchors of com.apple', 'sudo pfctl -f /etc/pf.conf'],
            ['a Mac whose administrator forbids it', WITHOUT_RULES],
          ]
        : [
            ['pf is disabled, or not in the kernel', 'sudo kldload pf; sudo service pf onestart'],
            ['a jail without a network stack of its own', WITHOUT_RULES],
          ],
  };
}

/** What fails only where connections are redirected. */
export const OF_RULES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_NO_PRIVILEGE',
  'ERR_INTERCEPT_APPLY',
  'ERR_HELPER_PROTOCOL',
  'ERR_HELPER_LOST',
  'ERR_RULES_REMOVED',
  'ERR_ORIGINAL_DST',
  'ERR_CLEANUP',
]);

/** What a page of {@link OF_RULES} says on a system that has no rules. */
export function notOn({ name }: SystemWords): Omit<ErrorPage, 'meaning'> {
  return { remedy: `not on ${name}, where nothing redirects connections`, causes: [] };
}
