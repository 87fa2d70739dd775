import { CleanupStack } from '../core/cleanup-stack.ts';
import { TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { openRedirectIngress, type RedirectOptions } from '../ingress/redirect.ts';
import { type CaptureRule, formatCaptureRule } from '../net/capture-rule.ts';
import type { IpFamily } from '../net/endpoint.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { SshRequest } from '../ssh/request.ts';
import { openSsh2Transport } from '../ssh/ssh2/transport.ts';
import { resolveTarget } from '../ssh/target.ts';
import { FlowTable } from './flow-table.ts';
import { unroutedNetworks } from './unrouted-networks.ts';

/** What a tunnel is to do. */
export interface TunnelOptions extends RedirectOptions {
  readonly remote: SshRequest;
  readonly rules: readonly CaptureRule[];
  /** Whether a session may run `true` on the bastion, so that it sends small answers at once. */
  readonly mayOpenSession: boolean;
}

/** What a tunnel needs of whoever runs it. */
export interface TunnelContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening; after that use {@link Tunnel.close}. */
  readonly signal: AbortSignal;
}

/** A tunnel that carries. */
export interface Tunnel {
  /** One line for the user: what is captured, through whom, with what. */
  readonly readyLine: string;
  /** Resolves, never rejects, when the tunnel can no longer carry for another reason than {@link Tunnel.close}. */
  readonly lost: Promise<TshuttleError>;
  /** Removes the rules, then ends the flows, the connection and the helper. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a tunnel: the helper first, so that its password prompt comes before everything else, then the bastion, the
 * rules last. Closing is the exact reverse.
 *
 * @throws TshuttleError with the code of the part that failed; nothing is left behind then
 */
export async function openTunnel(options: TunnelOptions, context: TunnelContext): Promise<Tunnel> {
  const { logger, signal } = context;
  const cleanup = new CleanupStack();
  try {
    const target = await resolveTarget(options.remote, { logger, signal });
    signal.throwIfAborted();

    let flows: FlowTable | undefined;
    const ingress = await openRedirectIngress(options, context, (flow) => {
      if (flows === undefined) flow.accepted.resetAndDestroy();
      else flows.accept(flow);
    });
    cleanup.push(() => ingress.close());
    signal.throwIfAborted();
    const rules = capturable(options.rules, ingress.families, logger);
    await warnOfUnroutedNetworks(rules, logger);

    const transport = await openSsh2Transport(target, {
      ...context,
      mayOpenSession: options.mayOpenSession,
      beforeDial: (endpoint) => ingress.setExempt([endpoint]),
    });
    cleanup.push(() => transport.close());
    signal.throwIfAborted();
    flows = new FlowTable(transport, logger);

    await ingress.capture(rules, [transport.peer]);
    cleanup.push(() => ingress.close());
    signal.throwIfAborted();

    return {
      readyLine: `capturing ${describeRules(rules)} through ${transport.description}, by ${ingress.method}`,
      lost: Promise.race([transport.lost, ingress.lost]),
      close: () => cleanup.release(),
    };
  } catch (error) {
    await cleanup.release();
    throw error;
  }
}

/** @throws TshuttleError ERR_CONFIG when the machine can capture none of the networks */
function capturable(
  rules: readonly CaptureRule[],
  families: readonly IpFamily[],
  logger: Logger,
): readonly CaptureRule[] {
  const usable = rules.filter((rule) => families.includes(rule.cidr.family));
  if (!usable.some((rule) => rule.action === 'include')) {
    throw new TshuttleError(
      'ERR_CONFIG',
      'this machine has no IPv6, and only IPv6 networks are to be captured',
      {
        remedy: 'add an IPv4 network',
      },
    );
  }
  const left = rules.find((rule) => rule.action === 'include' && !families.includes(rule.cidr.family));
  if (left !== undefined) logger.warn(`this machine has no IPv6: ${formatCaptureRule(left)} is not captured`);
  return usable;
}

async function warnOfUnroutedNetworks(rules: readonly CaptureRule[], logger: Logger): Promise<void> {
  for (const network of await unroutedNetworks(rules)) {
    const add = network.family === 6 ? 'ip -6 route add' : 'ip route add';
    const source = network.family === 6 ? '' : ' src 127.0.0.1';
    logger.warn(
      `no route to ${network.text}: the kernel refuses connections there before they can be captured; ` +
        `any route will do, for example: sudo ${add} ${network.text} dev lo${source}`,
    );
  }
}

/** How many networks the ready line names. */
const NAMED_NETWORKS = 3;

function describeRules(rules: readonly CaptureRule[]): string {
  const includes = rules.filter((rule) => rule.action === 'include');
  const named = includes.slice(0, NAMED_NETWORKS).map(formatCaptureRule).join(', ');
  const more = includes.length - NAMED_NETWORKS;
  const excludes = rules.length - includes.length;
  return named + (more > 0 ? ` and ${more} more` : '') + (excludes > 0 ? ` (${excludes} excluded)` : '');
}
