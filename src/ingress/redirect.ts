import { TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { renderProblem } from '../core/problem.ts';
import { systemWords } from '../core/systems/system-words.ts';
import { helperCommandBehind } from '../intercept/client/command.ts';
import type { RulesNews } from '../intercept/protocol/protocol.ts';
import {
  openRestartingInterceptor,
  type RestartingInterceptor,
} from '../intercept/restarting-interceptor.ts';
import { planRedirects } from '../intercept/rules/plan.ts';
import { type InterceptMethod, methodsOn } from '../intercept/rules/redirect-methods.ts';
import type { UdpPolicy } from '../intercept/rules/redirect-plan.ts';
import { planProblems } from '../intercept/rules/render-plan.ts';
import { numberToAddress } from '../net/address/literal.ts';
import type { TrafficSource } from '../net/address/traffic-source.ts';
import type { Flow } from '../net/flow.ts';
import type { NetworkNamespace } from '../net/machine/namespace/network-namespace.ts';
import { hasRoute } from '../net/machine/route-check.ts';
import { requireSocketOptions } from '../net/native/socket-option.ts';
import type { ListenAddresses } from '../net/sockets/listener.ts';
import { AppliedPlans } from './applied-plans.ts';
import { CaptureCheck } from './capture-check/capture-check.ts';
import { leftUndoneProblems } from './capture-check/left-undone-problems.ts';
import { CapturedOthers } from './captured-others.ts';
import {
  CapturedCgroups,
  type CapturedPrograms,
  capturesThisProcess,
  enclosedProgram,
  requireCgroups,
} from './captured-programs.ts';
import { CapturedDatagrams } from './datagrams/captured-datagrams.ts';
import { LookUpRecord } from './destinations/look-up-record.ts';
import { Listening, listeningMethod } from './listening.ts';
import type { RedirectIngress } from './redirect-ingress.ts';
import { capturingAll, capturingWithin } from './within-namespace.ts';

/** How connections are to be caught. */
export interface RedirectOptions {
  /** Undefined: the loopback address of IPv4 and, where the machine has it and `ipv6` is on, that of IPv6. */
  readonly listen: ListenAddresses | undefined;
  readonly ipv6: boolean;
  readonly method: 'auto' | InterceptMethod;
  /** Whose connections alone are captured; undefined: those of all programs. */
  readonly programs: CapturedPrograms | undefined;
  /** A process whose connections alone are captured, with those of all that it starts; in place of `programs`. */
  readonly enclosed?: number | undefined;
  readonly udp: UdpPolicy;
  /** See {@link RedirectPlan.tmark}. */
  readonly tmark: number | null;
  /** Captures the connections in this namespace, and not those of the one that we run in; of one of our own all of them. */
  readonly namespace: NetworkNamespace | undefined;
  /** Whose connections are captured beside this machine's own. */
  readonly alsoFrom: readonly TrafficSource[];
}

/** Dependencies of {@link openRedirectIngress}. */
export interface RedirectContext {
  readonly logger: Logger;
  /** Ends the opening, a password prompt included. */
  readonly signal: AbortSignal;
  /** What has to come true before somebody may be asked for a password. */
  readonly beforePrompt: Promise<unknown>;
  /** Called when nobody is asked for a password any more. */
  readonly onPrompted: () => void;
  /** Called when another program has removed rules: whether they are back, and what is to be told of it. */
  readonly onRemoved: (state: RulesNews['state'], removal: TshuttleError) => void;
}

/** @throws TshuttleError ERR_NO_INTERCEPTOR where only the native library is missing for it */
function requireCapturing(): void {
  if (methodsOn(process.platform).length > 0) requireSocketOptions();
}

/**
 * Starts the root helper (which may ask for a password) and the listeners; no rule is set yet.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_NO_INTERCEPTOR, ERR_LISTEN; nothing is left behind then
 */
export async function openRedirectIngress(
  options: RedirectOptions,
  { logger, signal, beforePrompt, onPrompted, onRemoved }: RedirectContext,
  onFlow: (flow: Flow) => void,
): Promise<RedirectIngress> {
  const { method, namespace, programs } = options;
  requireCgroups(programs?.matches ?? []);
  const inside = namespace === undefined ? {} : { command: helperCommandBehind(namespace.asRoot) };
  // Nobody is asked for a password in vain.
  const mayAsk = beforePrompt.then(requireCapturing);
  mayAsk.catch(() => {});
  const interceptor = await openRestartingInterceptor({
    method,
    logger,
    signal,
    beforePrompt: mayAsk,
    onPrompted,
    onRules: (news) => onRemoved(news.state, removalError(news)),
    ...inside,
  }).catch((error: unknown) => {
    // Without the native library no method is of use, whatever each of them says of itself.
    requireCapturing();
    throw error;
  });
  const lookUps = new LookUpRecord(logger);
  let listening: Listening;
  let captured = programs;
  try {
    if (options.enclosed !== undefined) captured = await enclosedProgram(interceptor, options.enclosed);
    requireSocketOptions();
    listening = await Listening.open(options, listeningMethod(interceptor, lookUps), logger, onFlow);
  } catch (error) {
    await interceptor.close();
    throw error;
  }
  // One command is captured, or what is in a namespace, and nobody else.
  const alsoFrom = namespace === undefined && options.enclosed === undefined ? options.alsoFrom : [];
  const whose = { ...options, programs: captured, alsoFrom };
  const ingress = redirectIngress(interceptor, { listening, lookUps }, whose, logger);
  switch (namespace?.kind) {
    case undefined:
      return ingress;
    case 'own':
      return capturingAll(ingress);
    case 'entered':
      return capturingWithin(ingress, namespace);
  }
}

function redirectIngress(
  interceptor: RestartingInterceptor,
  { listening, lookUps }: { readonly listening: Listening; readonly lookUps: LookUpRecord },
  options: Pick<RedirectOptions, 'programs' | 'udp' | 'tmark' | 'alsoFrom' | 'namespace'>,
  logger: Logger,
): RedirectIngress {
  const { programs, udp, tmark, alsoFrom } = options;
  /** Nothing of ours is captured, and only routes are looked at. */
  const isElsewhere = options.namespace !== undefined;
  const families = () => listening.families.filter((family) => interceptor.families.includes(family));
  const check = new CaptureCheck(interceptor, listening.probe, logger);
  /** What the method cannot do of the plans so far; each is told once. */
  const told = new Set<string>();
  const only = programs?.matches ?? null;
  const plans = new AppliedPlans(interceptor);
  const cgroups = new CapturedCgroups(only, plans, logger);
  const others = new CapturedOthers(alsoFrom, listening);
  return {
    method: interceptor.method,
    get families() {
      return families();
    },
    lost: interceptor.lost,
    get rulesGone() {
      return interceptor.rulesGone;
    },
    capture: async (rules, exempt, queries) => {
      const { replies } = check;
      const plan = planRedirects({
        rules,
        exempt,
        dns: queries && { redirects: queries.redirects, exemptPorts: queries.exemptPorts },
        listenerPort: listening.port,
        families: families(),
        replies,
        only,
        udp,
        tmark,
        resolverFiles: queries?.resolverFiles,
        alsoFrom: others.alsoFrom,
      });
      await cgroups.apply(plan);
      for (const problem of planProblems(interceptor.method, plan).map(renderProblem)) {
        if (!told.has(problem)) logger.warn(problem);
        told.add(problem);
      }
      check.captures(rules, exempt, families());
    },
    hasRoute,
    addRoute: ({ family, first, prefixLength }) =>
      interceptor.addRoute({ address: numberToAddress(family, first), prefixLength }),
    endStranded: (connections) => interceptor.endStranded(connections),
    get problems() {
      return [plans.problem, cgroups.problem, lookUps.problem].filter((one) => one !== undefined);
    },
    check: async (recapture) => {
      // Without rules nothing arrives, as the state tells; and the helper, which would be asked why, is being started.
      if (interceptor.rulesGone !== undefined) return [];
      cgroups.look();
      // What is refused again is told by the problems.
      if (plans.problem !== undefined) await recapture().catch(() => {});
      return [
        ...(isElsewhere || capturesThisProcess(only) ? await check.run(recapture) : []),
        ...leftUndoneProblems(plans.left),
        ...(await others.check(() => check.look())),
      ];
    },
    datagrams: (onDatagram) => CapturedDatagrams.open(listening.port, families(), interceptor, onDatagram),
    followOthers: (interfaces) => others.follow(interfaces),
    addFamilies: () => listening.addFamilies(),
    close: async () => {
      cgroups.close();
      try {
        await interceptor.close();
      } finally {
        await listening.close();
      }
    },
  };
}

function removalError({ state, what }: RulesNews): TshuttleError {
  const outcome = state === 'back' ? 'they are back' : 'connections go past the tunnel';
  return new TshuttleError('ERR_RULES_REMOVED', `${what}; ${outcome}`, {
    remedy: `find out what it does; ${systemWords().keepRules}`,
  });
}
