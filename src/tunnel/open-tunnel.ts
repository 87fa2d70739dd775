import { CleanupStack } from '../core/cleanup-stack.ts';
import { deferred } from '../core/deferred.ts';
import { oneAtATime } from '../core/one-at-a-time.ts';
import { beginOpening } from '../core/opening.ts';
import { STARTING_HELPER } from '../core/progress.ts';
import type { CapturedDns } from '../dns/names/captured-dns.ts';
import type { OpenConnection } from '../dns/resolver/tcp-resolver.ts';
import { LocalForwards } from '../ingress/forwards/local-forwards.ts';
import { NO_REDIRECT } from '../ingress/no-redirect.ts';
import { openProxies } from '../ingress/proxy/proxies.ts';
import { openRedirectIngress } from '../ingress/redirect.ts';
import type { RedirectIngress } from '../ingress/redirect-ingress.ts';
import { formatEndpoint } from '../net/address/endpoint.ts';
import type { Flow } from '../net/flow.ts';
import { forbidCoreFiles } from '../net/machine/core-limit.ts';
import { isOwnAddress } from '../net/machine/local-addresses.ts';
import { hostNamesOnRoute } from '../ssh/host-names-on-route.ts';
import type { Transport } from '../ssh/transport.ts';
import { openBastion } from './bastion/bastion.ts';
import { followOutages } from './bastion/follow-outages.ts';
import { resolveBastions, tunnelKey } from './bastion/resolve-bastions.ts';
import { warnOfWeakAgreement } from './bastion/weak-agreement.ts';
import { capturableRules, warnOfProxyCommand } from './capture/capturable-rules.ts';
import { CaptureWatch } from './capture/capture-watch.ts';
import { watchNamespace } from './capture/namespace-watch.ts';
import { Others } from './capture/others.ts';
import { RemovedRules } from './capture/removed-rules.ts';
import { askForName } from './flows/ask-for-name.ts';
import { FlowTable } from './flows/flow-table.ts';
import { MappedCarrier } from './flows/mapped.ts';
import { SplitCarrier } from './flows/split.ts';
import { StrandedConnections } from './flows/stranded-connections.ts';
import { describeCaptured, describeMaps, describeProxies, readyLine } from './status/ready-line.ts';
import { type ShownError, showError } from './status/status.ts';
import type { Tunnel } from './tunnel.ts';
import type { TunnelContext, TunnelOptions } from './tunnel-options.ts';
import { tunnelStatus } from './tunnel-status.ts';
import { relayUdp } from './udp/relay-udp.ts';

/**
 * Opens a tunnel: the helper first, then the bastion while the helper gets ready, the rules last. Where the helper may ask for a
 * password it does so before the bastion can, and only for a configuration that holds. Closing is the reverse.
 *
 * @throws TshuttleError with the code of the part that failed, and nothing is left behind; AggregateError, that error
 *   first, when something is
 */
export async function openTunnel(options: TunnelOptions, context: TunnelContext): Promise<Tunnel> {
  const { logger, signal, onStep } = context;
  const cleanup = new CleanupStack();
  try {
    onStep?.('reading the ssh configuration');
    const next = options.captures ? STARTING_HELPER : undefined;
    const resolving = resolveBastions(options.remotes, { logger, signal }).finally(() => onStep?.(next));
    resolving.catch(() => {}); // told below, by whoever waits for it
    let flows: FlowTable | undefined;
    let transport: Transport | undefined;
    // Before anybody is asked for a password.
    const forwards = await LocalForwards.open(options.forwards, {
      logger,
      ipv6: options.ipv6,
      place: options.namespace,
      onFlow: (flow) => (flows === undefined ? flow.accepted.resetAndDestroy() : flows.accept(flow)),
    });
    cleanup.push(() => forwards.close());
    let dns: CapturedDns | undefined;
    let ingress: RedirectIngress;
    let networkChanged = async (): Promise<void> => {};
    let recapture = async (): Promise<void> => {};
    const removed = new RemovedRules(options.onDown, logger);
    const accept = (flow: Flow): void => {
      // Only what is accepted holds its name.
      if (flows !== undefined && dns?.name(flow) === true) flows.accept(flow);
      else flow.accepted.resetAndDestroy();
    };
    const onRejected = (): void => flows?.rejected();
    // Closed after the rules are gone.
    cleanup.push(async () => await dns?.close());
    const prompted = deferred<void>();
    const ingressOpening = beginOpening<RedirectIngress>(
      signal,
      async (ownSignal) =>
        options.captures
          ? await openRedirectIngress(
              options,
              {
                logger,
                signal: ownSignal,
                beforePrompt: resolving,
                onPrompted: () => prompted.resolve(),
                onRemoved: removed.onRemoved,
              },
              accept,
            )
          : NO_REDIRECT,
      (one) => one.close(),
    );
    cleanup.push(() => ingressOpening.close());
    const bastions = await resolving;
    signal.throwIfAborted();
    // Before there is a secret.
    forbidCoreFiles();
    const openByBastion: OpenConnection = (destination, openSignal) =>
      transport === undefined
        ? Promise.reject(new Error('no bastion yet'))
        : transport.open(destination, openSignal);
    const proxies = await openProxies(options.proxies, {
      logger,
      credentials: options.proxyCredentials,
      onFlow: accept,
      onRejected,
    });
    cleanup.push(() => proxies.close());
    // Nobody is asked for two things at once.
    await Promise.race([prompted.promise, ingressOpening.opened]);
    signal.throwIfAborted();
    const bastionOpening = beginOpening(
      signal,
      (ownSignal) =>
        openBastion(bastions, options, {
          ...context,
          signal: ownSignal,
          recapture: () => recapture(),
          onNetworkChange: () => void networkChanged(),
        }),
      (one) => one.close(),
    );
    cleanup.push(() => flows?.close());
    cleanup.push(() => bastionOpening.close());
    // Beside what the bastion is opened with.
    const { CapturedDns } = await import('../dns/names/captured-dns.ts');
    dns = await CapturedDns.open(options.dns, {
      logger,
      ipv6: options.ipv6,
      wayToBastion: bastions.flatMap(({ target }) => hostNamesOnRoute(target)),
      bastion: tunnelKey(bastions),
      stateFolder: options.stateFolder,
      maps: options.maps,
      namespace: options.namespace,
      onRejected,
      open: openByBastion,
      findName: (name) => askForName(name, openByBastion),
    });
    ingress = await ingressOpening.opened;
    signal.throwIfAborted();
    let wanted = options.rules;
    let rules = capturableRules(wanted, ingress.families, logger);
    const bastion = await bastionOpening.opened;
    const { algorithms } = bastion.transport;
    if (algorithms !== undefined)
      warnOfWeakAgreement(bastion.target(), algorithms, options.stateFolder, logger);
    if (options.captures && options.namespace === undefined)
      for (const { target } of bastions) warnOfProxyCommand(target, bastion.exempt(), rules, logger);
    const { life } = bastion.transport;
    transport = bastion.transport;
    signal.throwIfAborted();
    const carrier =
      options.maps.length === 0 ? bastion.transport : new MappedCarrier(bastion.transport, options.maps);
    const { endStranded } = ingress;
    // Those in a namespace are not known here.
    const isOwn = options.namespace === undefined ? isOwnAddress : () => true;
    const others = new Others(options.alsoFrom, { ingress, dns, logger });
    const table = new FlowTable(
      options.split === undefined ? carrier : new SplitCarrier(carrier, () => rules, options.split),
      logger,
      { stranded: options.captures ? new StrandedConnections(endStranded, logger, isOwn) : undefined },
    );
    flows = table;
    await dns.prepare({ rules: () => rules, ingress, bastionFiles: bastion.transport });
    signal.throwIfAborted();
    const isOpenToAll = (): boolean => options.onDown === 'direct' && life.outages.isDown;
    const capture = oneAtATime(async () => {
      // What of it is left out has been said at the start; a family may have come since.
      rules = wanted.filter(({ cidr }) => ingress.families.includes(cidr.family));
      if (isOpenToAll()) await ingress.capture([], bastion.exempt());
      else
        await ingress.capture([...rules, ...dns.rules], bastion.exempt(), dns.redirectFor(ingress.families));
    });
    recapture = capture;
    await others.follow();
    const relaying = await relayUdp(options, { ingress, life, logger, signal });
    cleanup.push(() => relaying.close());
    onStep?.('setting the redirect rules');
    await capture();
    signal.throwIfAborted();
    const left = watchNamespace(options.namespace, logger);
    cleanup.push(() => left.stop());
    const watch = new CaptureWatch(ingress, [others, dns, relaying, left], capture, logger);
    await watch.check();
    signal.throwIfAborted();
    networkChanged = () => others.follow(capture).then(() => watch.networkChanged());
    cleanup.push(() => watch.stop());
    dns.follow(capture);
    if (options.onDown === 'direct') followOutages(capture, isOpenToAll, life, logger);
    // Flows come in only while there is a table to carry or hold them.
    await proxies.start();
    cleanup.push(() => proxies.stop());
    await forwards.start();
    cleanup.push(() => forwards.close());
    let ingressError: ShownError | undefined;
    void ingress.lost.then((error) => {
      ingressError = showError(error);
    });
    return {
      get readyLine() {
        return readyLine(
          [
            describeCaptured(rules, dns.description, options),
            describeMaps(options.maps),
            forwards.description,
            describeProxies(proxies.listens),
          ],
          bastion.transport,
          ingress,
        );
      },
      lost: Promise.race([life.lost, ingress.lost, removed.lost]),
      proxies: proxies.listens,
      open: (destination, openSignal) => carrier.open(destination, openSignal),
      askBastion: (command) => bastion.transport.run(command),
      status: () =>
        tunnelStatus({
          ...{ life, table, transport: bastion.transport },
          ...{ bastions: bastion.standings(), exempt: bastion.exempt().map(formatEndpoint) },
          ...{ rulesGone: ingress.rulesGone, udp: relaying.counts ?? null },
          names: dns?.namesStatus ?? null,
          captureProblems: watch.problems,
          otherError: ingressError ?? removed.lastError,
        }),
      onChange: (listener) => removed.onChange(listener, (one) => life.onChange(one)),
      retryNow: () => life.retryNow(),
      login: (prompter) => life.login(prompter),
      flows: (limit) => table.list(limit),
      endings: (limit) => table.endings(limit),
      setRules: async (others) => {
        wanted = others;
        await capture();
        await watch.check();
      },
      setForwards: (wanted) => forwards.change(wanted),
      checkCapture: () => watch.check(),
      setDns: (wanted) => dns.change(wanted),
      close: () => cleanup.release(),
    };
  } catch (error) {
    throw await cleanup.releaseAfter(error, 'could not open the tunnel, nor release what it had');
  }
}
