import { type Endpoint, endpointOfBytes } from '../../address/endpoint.ts';
import { addressBytes, type IpFamily } from '../../address/literal.ts';
import { readWrite } from './ioctl-number.ts';
import type { PfDevice } from './pf-device.ts';

/** A system whose pf is known: each has its own struct pfioc_natlook. */
export type PfSystemName = 'darwin' | 'freebsd' | 'openbsd';

/** Where the fields of struct pfioc_natlook lie; the addresses are at 0, 16, 32 and 48 everywhere (native-notes/pf-helper.md). */
export interface NatlookLayout {
  readonly system: PfSystemName;
  /** DIOCNATLOOK, which has the size of the struct in it: a kernel with another struct answers ENODEV and reads nothing. */
  readonly request: number;
  readonly bytes: number;
  readonly sourcePortAt: number;
  readonly destinationPortAt: number;
  readonly originalPortAt: number;
  readonly familyAt: number;
  readonly protocolAt: number;
  readonly directionAt: number;
  readonly inet6: number;
}

const NATLOOK_NUMBER = 23;
const SOURCE_AT = 0;
const DESTINATION_AT = 16;
const ORIGINAL_AT = 48;
const ADDRESS_BYTES = 16;

const AF_INET = 2;
const IPPROTO_TCP = 6;
/** PF_OUT: the answer then has where the connection was going to; PF_IN finds nothing. */
const DIRECTION_OUT = 2;

/** Of net/pfvar.h; the three sizes differ, so that ENODEV tells the systems apart. */
export const NATLOOK_LAYOUTS: Readonly<Record<PfSystemName, NatlookLayout>> = {
  // Ports are unions of 4 bytes, and there is a byte for the protocol's variant.
  darwin: layout('darwin', 84, { ports: 64, portBytes: 4, tail: 80, directionAt: 83, inet6: 30 }),
  freebsd: layout('freebsd', 76, { ports: 64, portBytes: 2, tail: 72, directionAt: 74, inet6: 28 }),
  // Two routing domains stand before the ports.
  openbsd: layout('openbsd', 80, { ports: 68, portBytes: 2, tail: 76, directionAt: 78, inet6: 24 }),
};

interface LayoutFacts {
  readonly ports: number;
  readonly portBytes: number;
  /** The family, and the protocol after it. */
  readonly tail: number;
  readonly directionAt: number;
  readonly inet6: number;
}

function layout(system: PfSystemName, bytes: number, facts: LayoutFacts): NatlookLayout {
  const { ports, portBytes, tail, directionAt, inet6 } = facts;
  return {
    system,
    request: readWrite(NATLOOK_NUMBER, bytes),
    bytes,
    sourcePortAt: ports,
    destinationPortAt: ports + portBytes,
    originalPortAt: ports + 3 * portBytes,
    familyAt: tail,
    protocolAt: tail + 1,
    directionAt,
    inet6,
  };
}

/** An accepted TCP connection, as the socket that accepted it has it. */
export interface AcceptedConnection {
  readonly originator: Endpoint;
  /** Where it was accepted; of the same family. */
  readonly listener: Endpoint;
}

/** The question where an accepted connection was going to before pf redirected it. */
export function encodeNatlook(layout: NatlookLayout, { originator, listener }: AcceptedConnection): Buffer {
  const struct = Buffer.alloc(layout.bytes);
  addressBytes(originator.address).copy(struct, SOURCE_AT);
  addressBytes(listener.address).copy(struct, DESTINATION_AT);
  struct.writeUInt16BE(originator.port, layout.sourcePortAt);
  struct.writeUInt16BE(listener.port, layout.destinationPortAt);
  struct.writeUInt8(originator.family === 4 ? AF_INET : layout.inet6, layout.familyAt);
  struct.writeUInt8(IPPROTO_TCP, layout.protocolAt);
  struct.writeUInt8(DIRECTION_OUT, layout.directionAt);
  return struct;
}

/** Where it was going to, of an answer to {@link encodeNatlook}; undefined when that has no port. */
export function decodeNatlook(layout: NatlookLayout, struct: Buffer, family: IpFamily): Endpoint | undefined {
  const length = family === 4 ? 4 : ADDRESS_BYTES;
  return endpointOfBytes(
    struct.subarray(ORIGINAL_AT, ORIGINAL_AT + length),
    struct.readUInt16BE(layout.originalPortAt),
  );
}

/**
 * What pf knows of one accepted connection.
 *
 * - `unknown` (ENOENT): no state is there, it was not redirected or has ended
 * - `invalid` (EINVAL): the question had no port or no address
 * - `ambiguous` (E2BIG): more than one state matches, so that none can be believed
 * - `other system` (ENODEV, ENOTTY): this kernel has another struct, or no such question any more
 * - `refused`: with the error number, as EPERM (1)
 */
export type NatlookResult =
  | { readonly kind: 'found'; readonly destination: Endpoint }
  | { readonly kind: 'unknown' | 'invalid' | 'ambiguous' | 'other system' }
  | { readonly kind: 'refused'; readonly errno: number };

const ENOENT = 2;
const E2BIG = 7;
const ENODEV = 19;
const EINVAL = 22;
const ENOTTY = 25;

const RESULTS: Readonly<Record<number, NatlookResult>> = {
  [ENOENT]: { kind: 'unknown' },
  [E2BIG]: { kind: 'ambiguous' },
  [ENODEV]: { kind: 'other system' },
  [EINVAL]: { kind: 'invalid' },
  [ENOTTY]: { kind: 'other system' },
};

/** Asks pf where an accepted connection was going to. */
export function askNatlook(
  device: PfDevice,
  layout: NatlookLayout,
  connection: AcceptedConnection,
): NatlookResult {
  const struct = encodeNatlook(layout, connection);
  const errno = device.ioctl(layout.request, struct);
  if (errno !== 0) return RESULTS[errno] ?? { kind: 'refused', errno };
  const destination = decodeNatlook(layout, struct, connection.originator.family);
  return destination === undefined ? { kind: 'unknown' } : { kind: 'found', destination };
}

const WITHOUT_PORTS: AcceptedConnection = {
  originator: { family: 4, address: '127.0.0.1', port: 0 },
  listener: { family: 4, address: '127.0.0.1', port: 0 },
};

/**
 * Which struct this kernel has: each is asked a question without ports, which the one that is right calls invalid.
 *
 * @param expected is tried first
 * @returns undefined when it is none of those known
 */
export function findNatlookLayout(device: PfDevice, expected: PfSystemName): NatlookLayout | undefined {
  const others = Object.values(NATLOOK_LAYOUTS).filter(({ system }) => system !== expected);
  return [NATLOOK_LAYOUTS[expected], ...others].find(
    (layout) => askNatlook(device, layout, WITHOUT_PORTS).kind === 'invalid',
  );
}
