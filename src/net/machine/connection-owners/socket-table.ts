import { type Endpoint, endpointOfBytes, sameEndpoint } from '../../address/endpoint.ts';
import { addressBytes } from '../../address/literal.ts';
import type { TimeSlices } from './time-slices.ts';

/** A connection as the program that opened it sees it. */
export interface OwnConnection {
  readonly local: Endpoint;
  /** Where the program connected to; undefined where that is not known. */
  readonly remote: Endpoint | undefined;
}

/** The socket of a connection. */
export interface FoundSocket {
  /** 0 for one that no program has open any more. */
  readonly inode: number;
  readonly userId: number;
}

/** What 16 bytes begin with that hold an IPv4 address (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');

/** So many lines are some tenths of a ms. */
const LINES_A_PAUSE = 256;

/**
 * Finds the sockets of connections in the texts of /proc/net/tcp and tcp6 (proc(5)).
 *
 * @returns one for each connection, in their order; undefined where there is none
 */
export async function socketsInTables(
  tables: readonly string[],
  connections: readonly OwnConnection[],
  slices: TimeSlices,
): Promise<ReadonlyArray<FoundSocket | undefined>> {
  const wanted = new Map<string, number[]>();
  for (const [index, { local }] of connections.entries())
    for (const key of fieldsOf(local)) wanted.set(key, [...(wanted.get(key) ?? []), index]);
  const found = new Array<FoundSocket | undefined>(connections.length).fill(undefined);
  let lines = 0;
  for (const table of tables) {
    for (let at = table.indexOf('\n') + 1; at > 0 && at < table.length; at = table.indexOf('\n', at) + 1) {
      lines += 1;
      if (lines % LINES_A_PAUSE === 0) await slices.pause();
      // `  12: 0100007F:A1B2 0200007F:1538 01 ...`: the local endpoint stands before the second blank.
      const begin = table.indexOf(': ', at) + 2;
      const indexes = wanted.get(table.slice(begin, table.indexOf(' ', begin)));
      if (indexes === undefined) continue;
      const end = table.indexOf('\n', at);
      const entry = readEntry(table.slice(at, end < 0 ? undefined : end));
      for (const index of indexes) {
        const { remote } = connections[index]!;
        if (entry !== undefined && (remote === undefined || sameEndpoint(remote, entry.remote)))
          found[index] = entry.socket;
      }
    }
  }
  return found;
}

/** net/tcp_states.h, in hexadecimal: a socket that listens is none of a connection. */
const LISTEN = '0A';

function readEntry(line: string): { readonly remote: Endpoint; readonly socket: FoundSocket } | undefined {
  // sl local remote state queues timer retransmits uid timeout inode
  const [, , remote = '', state, , , , userId, , inode] = line.trim().split(/\s+/);
  const [address = '', port = ''] = remote.split(':');
  const endpoint = endpointOfBytes(inWords(Buffer.from(address, 'hex')), Number.parseInt(port, 16));
  if (endpoint === undefined || state === LISTEN) return undefined;
  return { remote: endpoint, socket: { inode: Number(inode), userId: Number(userId) } };
}

/** How the tables write an endpoint: IPv4 also as a socket of both families has it. */
function fieldsOf({ address, port }: Endpoint): readonly string[] {
  const bytes = addressBytes(address);
  const written = bytes.length === 4 ? [bytes, Buffer.concat([MAPPED_PREFIX, bytes])] : [bytes];
  const hexadecimal = (of: Buffer): string => inWords(Buffer.from(of)).toString('hex').toUpperCase();
  return written.map((one) => `${hexadecimal(one)}:${port.toString(16).toUpperCase().padStart(4, '0')}`);
}

/** Words of four bytes as the processor has them: little-endian wherever tshuttle runs. */
function inWords(bytes: Buffer): Buffer {
  return bytes.length % 4 === 0 ? bytes.swap32() : bytes;
}
