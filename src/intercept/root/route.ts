import { messageOf } from '../../core/errors.ts';
import { addressToNumber, numberToAddress } from '../../net/address/literal.ts';
import { openTunDevice, type TunDevice } from '../../net/native/tun.ts';
import type { RoutedNetwork } from '../rules/redirect-plan.ts';
import { RefusedError } from './drivers/backend/rule-backend.ts';

/** A route that lasts until it is closed, or this process ends. */
export type Route = Pick<TunDevice, 'close'>;

/** Makes a route to a network: a device of ours has its last address but one. @throws RefusedError */
export function openRoute({ address, prefixLength }: RoutedNetwork): Route {
  const hosts = 2n ** BigInt(32 - prefixLength);
  const first = addressToNumber(4, address);
  try {
    return openTunDevice(numberToAddress(4, first + hosts - 2n), numberToAddress(4, 2n ** 32n - hosts));
  } catch (error) {
    throw new RefusedError(messageOf(error));
  }
}
