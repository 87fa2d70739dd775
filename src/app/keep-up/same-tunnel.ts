import { createHash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { covers } from '../../config/covering.ts';
import { parseSubnet } from '../../config/parse/networks/subnet.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import { formatNamespace } from '../../net/machine/namespace/namespace-place.ts';

/**
 * The bastion, the way to it and the login there, as they were written: the same text is the same bastion. ssh options say where a
 * name leads, and a key may be let on to other places than another. A hash, since options may have secrets.
 */
export function bastionKey({
  remote: { user, host, port, standbys },
  jump,
  sshConfigFile,
  sshOptions,
  identityFiles,
  upstreamProxy,
  transport: { command, controlPath },
}: Pick<
  Config,
  'remote' | 'jump' | 'sshConfigFile' | 'sshOptions' | 'identityFiles' | 'upstreamProxy' | 'transport'
>): string {
  const bastions = [{ user, host, port }, ...standbys].map((one) => [one.user, one.host, one.port]);
  const proxy = upstreamProxy && [upstreamProxy.host, upstreamProxy.port, upstreamProxy.user];
  const way = [jump, sshConfigFile, sshOptions, identityFiles, proxy, command, controlPath];
  return createHash('sha256')
    .update(JSON.stringify([bastions, way]))
    .digest('base64');
}

/** The cloud whose catalog is asked for while a tunnel is up; null without one. The same text is the same catalog. */
export function catalogKey({ openstack }: Pick<Config, 'openstack'>): string | null {
  if (openstack?.catalog === undefined || openstack.catalog.kind === 'file') return null;
  const { authHost, region, interface: choice } = openstack;
  return JSON.stringify([authHost?.host, authHost?.port, region ?? null, choice ?? null]);
}

/** Whose connections are captured; null: those of all programs. The same text is the same programs. */
export function programsKey({ programs }: Pick<Config, 'programs'>): string | null {
  return programs?.description ?? null;
}

/** The network namespace in which connections are captured; null: that of the tunnel. The same text is the same namespace. */
export function namespaceKey({ namespace }: Pick<Config, 'namespace'>): string | null {
  return namespace === undefined ? null : formatNamespace(namespace);
}

/**
 * Whether a tunnel that runs does all that another one is to do, so that this need not be started: it goes through the same
 * bastion, and captures as much. One that is asked for names, proxies, forwards, maps, metrics, a command for events, the bastion's networks,
 * connections of others or UDP that is not refused is never the same: no report tells of these.
 *
 * @param rules what the configuration captures
 */
export function doesTheSame(report: TunnelReport, config: Config, rules: readonly CaptureRule[]): boolean {
  if (report.status?.state.kind !== 'up' || report.ruleCount > report.rules.length) return false;
  const { dns, proxies, forwards, maps, metrics, onEvent, alsoFrom, udp, autoNets } = config;
  const asked = [...proxies, ...forwards, ...maps, ...alsoFrom];
  const isTold = metrics !== undefined || onEvent !== undefined;
  if (autoNets || dns !== undefined || asked.length > 0 || isTold || udp !== 'reject') return false;
  const catalog = catalogKey(config);
  const isSameWay = report.bastionKey === bastionKey(config);
  const isForSame =
    report.programs === programsKey(config) && (report.namespace ?? null) === namespaceKey(config);
  return (
    isSameWay &&
    isForSame &&
    (catalog === null || catalog === report.catalogKey) &&
    covers(rulesOfReport(report), rules)
  );
}

/** What a tunnel captures, as far as its report has it. */
export function rulesOfReport({ rules }: Pick<TunnelReport, 'rules'>): readonly CaptureRule[] {
  return rules.flatMap(({ action, subnet }) => {
    const parsed = parseSubnet(subnet);
    return parsed.kind === 'network' ? [{ action, cidr: parsed.cidr, ports: parsed.ports }] : [];
  });
}
