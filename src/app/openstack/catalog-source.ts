import { execFile } from 'node:child_process';
import type { OpenstackOption } from '../../config/config.ts';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { folderForShortChild } from '../../core/files/start-folder.ts';
import { renderProblem } from '../../core/problem.ts';
import type { Cloud } from '../../openstack/clouds/choose-cloud.ts';
import type { OpenSocket } from '../../openstack/https/reach.ts';
import { readTrust, type Trust } from '../../openstack/https/trust.ts';
import { readCatalog, type ServicePlace } from '../../openstack/keystone/catalog.ts';
import { type Credentials, readCredentials } from '../../openstack/keystone/credentials.ts';
import { fetchCatalog } from '../../openstack/keystone/identity-client.ts';
import { chooseWantedCloud, cloudSurroundings, wantedEndpoints } from './openstack-capture.ts';

/** Where the places of a cloud's catalog come from. Has the credentials, in memory only. */
export interface CatalogSource {
  readonly cloud: Cloud;
  /** For people. */
  readonly description: string;
  /**
   * Asks for the catalog.
   *
   * @param open how the auth host is reached; the user's own client goes its own way
   * @throws TshuttleError as `fetchCatalog`; ERR_API_ANSWER when what it says is no catalog; the signal's reason
   */
  fetch(open: OpenSocket, signal: AbortSignal): Promise<readonly ServicePlace[]>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Python starts in a second; the identity service may be slow. */
const CLIENT_TIMEOUT_MS = 60_000;
const MAX_CATALOG_BYTES = 4 * 1024 * 1024;

/** For a request with its connection. */
const REQUEST_TIMEOUT_MS = 20_000;

/**
 * Prepares what `--openstack-catalog` asks for: takes the credentials out of the files and the environment.
 *
 * @throws TshuttleError ERR_CONFIG when the cloud is not there any more, or has no credentials that can be used
 */
export function openCatalogSource(option: OpenstackOption, environment: Environment): CatalogSource {
  const surroundings = cloudSurroundings(environment);
  const result = chooseWantedCloud(option, surroundings);
  if (result.kind === 'problems') {
    throw new TshuttleError('ERR_CONFIG', result.problems.map(renderProblem).join('; '));
  }
  const { cloud, layers } = result;
  const places = (data: unknown): readonly ServicePlace[] => {
    const catalog = readCatalog(data, wantedEndpoints(option, cloud, environment));
    if (catalog.kind === 'places') return catalog.places;
    throw new TshuttleError('ERR_API_ANSWER', `the answer of ${cloud.name} ${catalog.what}`, {
      remedy: 'check the region and the interface, and that the credentials are for a project',
    });
  };
  if (option.catalog?.kind === 'command') {
    const fetch = async (_open: OpenSocket, signal: AbortSignal) =>
      places(await runClient(cloud, environment, signal));
    return { cloud, description: 'openstack catalog list', fetch };
  }
  const found = readCredentials(cloud, layers, environment);
  if (found.kind === 'none') {
    throw new TshuttleError(
      'ERR_CONFIG',
      `the catalog of the cloud ${cloud.name} cannot be asked for: ${found.why}`,
      {
        remedy:
          'let your own client ask: --openstack-catalog=cli, or a file of openstack catalog list -f json',
      },
    );
  }
  const { credentials } = found;
  const trust = readTrust(cloud, surroundings);
  return {
    cloud,
    description: DESCRIPTIONS[credentials.kind],
    fetch: async (open, signal) => places(await askKeystone(cloud, credentials, trust, open, signal)),
  };
}

const DESCRIPTIONS: Readonly<Record<Credentials['kind'], string>> = {
  token: 'a token',
  'application-credential': 'an application credential',
  password: 'a password',
};

async function askKeystone(
  cloud: Cloud,
  credentials: Credentials,
  trust: Trust,
  open: OpenSocket,
  stop: AbortSignal,
): Promise<unknown> {
  const deadline = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  try {
    return await fetchCatalog(cloud.authUrl, credentials, {
      open,
      trust,
      signal: AbortSignal.any([stop, deadline]),
    });
  } catch (error) {
    if (stop.aborted || !deadline.aborted) throw error;
    const message = `${cloud.authUrl.url.host} gives no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
    throw new TshuttleError('ERR_API_UNREACHABLE', message, {
      remedy: "perhaps the bastion's address is not on the allow-list: tshuttle openstack check",
      cause: error,
    });
  }
}

/** Runs the user's own client, which finds its credentials itself, in the user's own environment. */
function runClient(cloud: Cloud, environment: Environment, signal: AbortSignal): Promise<unknown> {
  const words = ['--os-cloud', cloud.name, 'catalog', 'list', '-f', 'json'];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'openstack',
      words,
      {
        env: environment,
        // Where its clouds.yaml may be.
        cwd: folderForShortChild(),
        encoding: 'utf8',
        timeout: CLIENT_TIMEOUT_MS,
        maxBuffer: MAX_CATALOG_BYTES,
        signal,
      },
      (failure, stdout, stderr) => {
        if (signal.aborted) reject(signal.reason as Error);
        else if (failure !== null) reject(clientFailure(failure, stderr, words));
        else {
          try {
            resolve(JSON.parse(stdout));
          } catch {
            resolve(undefined);
          }
        }
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}

function clientFailure(failure: Error, stderr: string, words: readonly string[]): TshuttleError {
  const isMissing = systemCodeOf(failure) === 'ENOENT';
  // What it prints may be long, and only the last line says why.
  const said = stderr.trim().split('\n').at(-1)?.slice(0, 300);
  const why = isMissing ? 'there is no such program' : said || messageOf(failure).split('\n', 1)[0];
  return new TshuttleError('ERR_API_ANSWER', `openstack ${words.slice(2).join(' ')} failed: ${why}`, {
    remedy: isMissing
      ? 'install python-openstackclient, or leave out =cli'
      : `try it in a second terminal: openstack ${words.join(' ')}`,
    cause: failure,
  });
}
