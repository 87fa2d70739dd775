import { TshuttleError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { ProxyRoute, SshTarget, UpstreamProxy } from '../ssh-target.ts';
import { describeTarget } from '../ssh-target.ts';
import type { ConfiguredProxy } from './proxy-from-config.ts';
import type { RequestedProxy, SshRequest } from './request.ts';
import type { ConfiguredTarget } from './target-from-config.ts';

/** More are a mistake of the configuration. */
const MAX_JUMP_HOSTS = 16;

/** Completes the request for one host with its configuration. */
type ResolveHost = (request: SshRequest) => Promise<ConfiguredTarget>;

/**
 * A target with the whole way to it: jump hosts are resolved as hosts of their own, which may have jump hosts in turn, and
 * the upstream proxy comes before the first of them.
 *
 * @throws TshuttleError ERR_CONFIG when jump hosts lead in a circle, are too many, or the upstream proxy has no place; and
 *   as `resolveHost` does
 */
export async function resolveRoute(request: SshRequest, resolveHost: ResolveHost): Promise<SshTarget> {
  return await resolveAlong(request, resolveHost, []);
}

/** @param path the hosts that are being resolved, the destination first: a jump host among them leads in a circle */
async function resolveAlong(
  request: SshRequest,
  resolveHost: ResolveHost,
  path: readonly string[],
): Promise<SshTarget> {
  const { target, proxy } = await resolveHost(request);
  const name = describeTarget(target);
  refuseCircle(path, name);
  const route = await resolveProxy(proxy, request, resolveHost, [...path, name]);
  const role = path.length === 0 ? 'bastion' : 'jump host';
  return Object.freeze({ ...target, role, proxy: route });
}

async function resolveProxy(
  proxy: ConfiguredProxy,
  request: SshRequest,
  resolveHost: ResolveHost,
  path: readonly string[],
): Promise<ProxyRoute> {
  const { upstreamProxy, configFile } = request;
  switch (proxy.kind) {
    case 'jump': {
      // As ssh does for its hops: -F holds for them, and nothing else of the command line (ssh(1), -J).
      const hop: SshRequest = {
        ...proxy.last,
        password: undefined,
        identityFiles: [],
        options: [],
        configFile,
        jump: proxy.before,
        upstreamProxy,
      };
      return { kind: 'jump', jumpHost: await resolveAlong(hop, resolveHost, path) };
    }
    case 'command':
      if (upstreamProxy === undefined) return proxy;
      throw new TshuttleError(
        'ERR_CONFIG',
        `${request.host} is reached by ProxyCommand ${proxy.command}, which --upstream-proxy has no influence on`,
        { remedy: 'leave --upstream-proxy out, or set -o ProxyCommand=none' },
      );
    case 'none':
      return upstreamProxy === undefined ? proxy : { kind: 'socks5', proxy: resolveUpstream(upstreamProxy) };
  }
}

function resolveUpstream({ host, port, user, password }: RequestedProxy): UpstreamProxy {
  const login = user === undefined ? undefined : { user, password: new Secret(password ?? '') };
  return { host, port, login };
}

function refuseCircle(path: readonly string[], name: string): void {
  const isCircle = path.includes(name);
  if (!isCircle && path.length <= MAX_JUMP_HOSTS) return;
  const what = isCircle ? 'the jump hosts lead in a circle' : `more than ${MAX_JUMP_HOSTS} jump hosts`;
  throw new TshuttleError('ERR_CONFIG', `${what}: ${[...path, name].join(' through ')}`, {
    remedy: 'set ProxyJump none for the first of them in the ssh configuration',
  });
}
