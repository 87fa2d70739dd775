import type { Config } from '../../../config/config.ts';
import { keysOfPart, nameOf } from '../../../config/options/table.ts';
import type { Problem } from '../../../core/problem.ts';
import type { HostPort } from '../../../net/address/endpoint.ts';
import { formatNamespace } from '../../../net/machine/namespace/namespace-place.ts';

/** The command to run, and how. */
export interface RunOptions {
  readonly command: readonly [string, ...string[]];
  /** By proxies of ours, without root and rules. */
  readonly rootless: boolean;
  /** In a network namespace of its own, without root. */
  readonly isolated: boolean;
  /** By redirect rules that hold for it alone. */
  readonly only: boolean;
  /** What must be reachable through the bastion before the command starts; left out: the auth_url of the cloud, if there is one. */
  readonly probe: HostPort | undefined;
}

/** Whether a tunnel that is up will do: it has no proxies, namespace or control group for the command. */
export function mayJoin({ rootless, isolated, only }: RunOptions): boolean {
  return !rootless && !isolated && !only;
}

/** What of a configuration cannot be had in the way that the command is to be run. */
export function whatCannotBeHad(
  { rootless, isolated, only }: RunOptions,
  config: Config,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (rootless && config.dns?.everything === true) {
    const what = 'cannot be had with --rootless, which captures no queries; use --domain for names of a zone';
    problems.push({ where: '--dns', what });
  }
  if (rootless && config.proxies.length > 0) {
    const what = 'cannot be combined with --rootless, which has proxies of its own for the command';
    problems.push({ where: keysOfPart('proxies').map(nameOf).join(', '), what });
  }
  if (config.namespace !== undefined) {
    const what = `captures what runs in ${formatNamespace(config.namespace)}, where the command would not be; start tshuttle without run, and the command in there`;
    problems.push({ where: '--namespace, --namespace-pid', what });
  }
  const others = [
    ...(rootless ? ['--rootless'] : []),
    ...(isolated ? ['--isolated'] : []),
    ...(config.programs === undefined ? [] : ['--user, --group, --cgroup']),
    ...(config.alsoFrom.length === 0 ? [] : ['--also-from']),
  ];
  if (only) problems.push(...others.map((where) => ({ where, what: 'cannot be combined with --only' })));
  if (!isolated) return problems;
  const { address4, address6, port } = config.listen;
  const forbidden = [
    ...(rootless ? ['--rootless'] : []),
    ...((address4 ?? address6 ?? port) === undefined ? [] : ['-l']),
    ...(config.onDown === 'direct' ? ['--on-down direct'] : []),
    ...(config.alsoFrom.length > 0 ? ['--also-from'] : []),
  ];
  return [...problems, ...forbidden.map((where) => ({ where, what: 'cannot be combined with --isolated' }))];
}
