import type { IpFamily } from '../../address/literal.ts';
import { libcFunctionOr } from '../library.ts';

/** linux/in.h and linux/in6.h: level and option of IP_TRANSPARENT and IPV6_TRANSPARENT. */
const TRANSPARENT: Readonly<Record<IpFamily, readonly [level: number, name: number]>> = {
  4: [0, 19],
  6: [41, 75],
};

type SetSockOpt = (
  descriptor: number,
  level: number,
  name: number,
  value: Int32Array,
  length: number,
) => number;

/**
 * Makes a socket transparent: it takes part in connections to addresses that are not this machine's, where rules lead them to it
 * (ip(7), IP_TRANSPARENT). Those that it accepts are too. Needs CAP_NET_ADMIN or CAP_NET_RAW for its network namespace.
 *
 * @returns false when the system refuses
 */
export function setTransparent(descriptor: number, family: IpFamily): boolean {
  const setsockopt = libcFunctionOr<SetSockOpt>(
    'int setsockopt(int descriptor, int level, int name, const void *value, uint32_t length)',
    () => -1,
  );
  const [level, name] = TRANSPARENT[family];
  return setsockopt(descriptor, level, name, new Int32Array([1]), 4) === 0;
}
