import { messageOf } from '../../core/errors.ts';
import { openTunDevice, type TunDevice } from '../../net/native/tun.ts';
import type { RoutedNetwork } from '../redirect-plan.ts';
import { RefusedError } from './rule-backend.ts';

/** A route that lasts until it is closed, or this process ends. */
export type Route = Pick<TunDevice, 'close'>;

/** Makes a route to a network: a device of ours has its last address but one. @throws RefusedError */
export function openRoute({ address, prefixLength }: RoutedNetwork): Route {
  const hosts = 2 ** (32 - prefixLength);
  const first = address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
  try {
    return openTunDevice(dotted(first + hosts - 2), dotted(2 ** 32 - hosts));
  } catch (error) {
    throw new RefusedError(messageOf(error));
  }
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
