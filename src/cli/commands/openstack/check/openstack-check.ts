import { openAsApplication } from '../../../../app/keep-up/open-as-application.ts';
import { sshRequestOf } from '../../../../app/keep-up/ssh-request.ts';
import { openCatalogSource } from '../../../../app/openstack/catalog-source.ts';
import {
  chooseWantedCloud,
  cloudSurroundings,
  readCatalogFile,
  wantedEndpoints,
} from '../../../../app/openstack/openstack-capture.ts';
import type { Config, OpenstackOption } from '../../../../config/config.ts';
import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import type { Logger } from '../../../../core/log.ts';
import type { Problem } from '../../../../core/problem.ts';
import type { OnStep } from '../../../../core/progress.ts';
import type { Cloud } from '../../../../openstack/clouds/choose-cloud.ts';
import type { Way } from '../../../../openstack/https/probe.ts';
import { readTrust } from '../../../../openstack/https/trust.ts';
import { resolveTarget } from '../../../../ssh/config/target.ts';
import { lookUpHost } from '../../../../ssh/look-up.ts';
import type { Prompter } from '../../../../ssh/prompter.ts';
import { openConnections } from '../../../../tunnel/bastion/connections.ts';
import type { CommandSession } from '../../../command/command-definition.ts';
import type { Format } from '../../../rendering/terminal.ts';
import { renderFinding } from '../../doctor/render-finding.ts';
import { throughBastion, withoutBastion } from './bastion-way.ts';
import { type CatalogOffer, type CloudFinding, checkCloud } from './check-cloud.ts';
import { findingOf } from './render.ts';

type Environment = Readonly<Record<string, string | undefined>>;

type OfferedCatalog = CatalogOffer | { readonly kind: 'problem'; readonly problem: Problem };

/** Dependencies of {@link openstackCheck}. */
export interface OpenstackCheckContext {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly onStep?: OnStep | undefined;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  readonly refuse: CommandSession['refuse'];
  readonly format: Format;
}

/** How long an endpoint may take to be connected to and to answer; directly, most often nothing comes. */
const TIMEOUTS = { directTimeoutMs: 4_000, bastionTimeoutMs: 10_000 } as const;

/**
 * Says of each endpoint of a cloud whether it works through the bastion, as it is found out.
 *
 * @returns the exit code: 0 when all work
 * @throws TshuttleError ERR_CONFIG when a file of certificates cannot be read
 */
export async function openstackCheck(config: Config, context: OpenstackCheckContext): Promise<number> {
  const { environment, print, format, signal, onStep } = context;
  const surroundings = cloudSurroundings(environment);
  const chosen = chooseWantedCloud(config.openstack!, surroundings);
  if (chosen.kind === 'problems') return await context.refuse('ERR_CONFIG', chosen.problems);
  const { cloud } = chosen;
  const catalog = offerCatalog(config.openstack!, cloud, environment);
  if (catalog.kind === 'problem') return await context.refuse('ERR_CONFIG', [catalog.problem]);
  const trust = readTrust(cloud, surroundings);
  const bastion = await openWay(config, context);
  const found: CloudFinding[] = [];
  try {
    onStep?.(`asking the API of ${cloud.name}`);
    const asked = { cloud, catalog, trust, bastion: bastion.way, signal, ...TIMEOUTS };
    for await (const one of checkCloud(asked)) {
      found.push(one);
      if (format !== 'json') print(renderFinding(findingOf(one), format));
    }
  } finally {
    onStep?.(undefined);
    await bastion.close();
  }
  const problems = found.filter((one) => findingOf(one).status === 'problem').length;
  if (format === 'json') {
    const endpoints = found.flatMap((one) => (one.kind === 'endpoint' ? [one.endpoint] : []));
    const missing = found.find((one) => one.kind === 'missing-catalog');
    const whole = {
      cloud: cloud.name,
      authUrl: { url: cloud.authUrl.url.href, from: cloud.authUrl.from },
      bastion: bastion.description,
      problems,
      missingCatalog: missing === undefined ? null : { why: missing.why, remedy: missing.remedy },
      endpoints,
    };
    print(`${JSON.stringify(whole, undefined, 2)}\n`);
  } else {
    const count = `${problems} problem${problems === 1 ? '' : 's'}`;
    print(`${problems === 0 ? `the API of ${cloud.name} works through the bastion` : count}\n`);
  }
  return problems === 0 ? 0 : 1;
}

/** What a file has is read at once; for the rest the cloud's credentials are taken out of the files and the environment. */
function offerCatalog(option: OpenstackOption, cloud: Cloud, environment: Environment): OfferedCatalog {
  if (option.catalog?.kind === 'file')
    return readCatalogFile(option.catalog.path, wantedEndpoints(option, cloud, environment));
  try {
    const source = openCatalogSource(option, environment);
    return { kind: 'ask', fetch: (open, signal) => source.fetch(open, signal) };
  } catch (error) {
    if (!(error instanceof TshuttleError)) throw error;
    const isProblem = option.catalog !== undefined;
    return { kind: 'missing-catalog', why: messageOf(error), remedy: error.remedy ?? null, isProblem };
  }
}

/** The way through the bastion; one that there is not has its reason. */
interface OpenedWay {
  readonly way: Way;
  /** Null without a connection. */
  readonly description: string | null;
  close(): Promise<void>;
}

async function openWay(
  config: Config,
  { logger, prompter, signal, onStep }: OpenstackCheckContext,
): Promise<OpenedWay> {
  try {
    const target = await resolveTarget(sshRequestOf(config), { logger, signal });
    const options = { ...config, remote: sshRequestOf(config) };
    const connections = await openConnections(target, options, {
      logger,
      prompter,
      signal,
      onStep,
      beforeDial: async () => {},
      lookUp: lookUpHost,
      onAsked: () => {},
    });
    const { description } = connections;
    const open = openAsApplication(connections);
    return { way: throughBastion({ open }), description, close: () => connections.close() };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TshuttleError)) throw error;
    return { way: withoutBastion(error), description: null, close: async () => {} };
  }
}
