import { hostname } from 'node:os';
import type { Config } from '../../../config/config.ts';
import { homeFolder, ownAccount } from '../../../core/accounts.ts';
import type { TunnelReport } from '../../../daemon/control/protocol.ts';

/** A private word, and its kind. */
export type PrivateWord = readonly [word: string, kind: string];

/** Who and where this machine is. */
export function wordsOfMachine(): readonly PrivateWord[] {
  const { userName } = ownAccount();
  return [
    [homeFolder(), 'home'],
    [hostname(), 'machine'],
    ...(userName === undefined || userName === 'root' ? [] : [[userName, 'user'] as const]),
  ];
}

/** What a configuration names, secrets before all. */
export function wordsOfConfig(config: Config): readonly PrivateWord[] {
  const { remote, upstreamProxy, proxyLogin, dns } = config;
  const named: ReadonlyArray<readonly [word: string | undefined, kind: string]> = [
    ...[remote, ...remote.standbys].map(({ password }) => [password, 'secret'] as const),
    [upstreamProxy?.password, 'secret'],
    [proxyLogin?.password, 'secret'],
    ...[remote, ...remote.standbys].flatMap(
      ({ host, user }) =>
        [
          [host, 'host'],
          [user, 'user'],
        ] as const,
    ),
    [upstreamProxy?.host, 'host'],
    [upstreamProxy?.user, 'user'],
    [proxyLogin?.user, 'user'],
    ...(config.jump ?? '').split(/[,@:[\]]/).map((word) => [word, 'host'] as const),
    ...config.identityFiles.map((file) => [file, 'file'] as const),
    ...config.sshOptions.map((option) => [option.replace(/^[^=\s]+[=\s]+/, ''), 'value'] as const),
    ...(config.sshConfigFile === undefined ? [] : [[config.sshConfigFile, 'file'] as const]),
    ...config.subnets.flatMap(({ subnet }) =>
      subnet.kind === 'name' ? [[subnet.name, 'host'] as const] : [],
    ),
    ...(dns?.zones ?? []).map(({ name }) => [name, 'zone'] as const),
    ...(dns?.hosts ?? []).map(({ name }) => [name, 'host'] as const),
  ];
  return named.flatMap(([word, kind]) => (word === undefined || word === '' ? [] : [[word, kind] as const]));
}

/** What a tunnel that runs is called, and where it leads. */
export function wordsOfTunnel({ name, status }: TunnelReport): readonly PrivateWord[] {
  const [, user = '', host = ''] = /^([^@\s]*)@(\S+)/.exec(status?.bastion ?? '') ?? [];
  return [[name, 'tunnel'], [host, 'host'], ...(user === 'root' ? [] : [[user, 'user'] as const])];
}
