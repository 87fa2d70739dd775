import { type Endpoint, makeEndpoint } from '../../address/endpoint.ts';
import { addressBytes, bytesToAddress } from '../../address/literal.ts';
import { attribute, attributeAt, NESTED, type NetlinkSocket, openNetlink } from './netlink.ts';

/** linux/netlink.h. */
const NETLINK_NETFILTER = 12;

/** linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h and nf_conntrack_common.h. */
const CT_GET = (1 << 8) | 1;
const CT_DELETE = (1 << 8) | 2;
const NFNETLINK_V0 = 0;
const NFNETLINK_V1 = 1;
const AF_OF: Readonly<Record<4 | 16, number>> = { 4: 2, 16: 10 };
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_FILTER = 25;
const CTA_STATUS_MASK = 26;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_SRC: Readonly<Record<4 | 16, number>> = { 4: 1, 16: 3 };
const CTA_IP_DST: Readonly<Record<4 | 16, number>> = { 4: 2, 16: 4 };
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER_ORIG_FLAGS = 1;
const IPS_SEEN_REPLY = 0x2;

/** 127.0.0.1 and ::1: where a redirect of what this machine itself opens leads. */
const LOOPBACK: Readonly<Record<4 | 16, Buffer>> = { 4: addressBytes('127.0.0.1'), 16: addressBytes('::1') };

/** net/netfilter/nf_internals.h: destination address, protocol, destination port. */
const COMPARED = 0x2 | 0x8 | 0x20;

const TCP = 6;
const UDP = 17;
/** struct nfgenmsg. */
const GENERIC_HEADER_BYTES = 4;

/** Which of the exchanges that the connection tracker has in mind it is to forget. */
export interface TrackedExchanges {
  /** The literal address that they were sent to. */
  readonly address: string;
  /** The UDP port that they were sent to. */
  readonly port: number;
  /** Not those that have had no answer yet (Linux 5.15): it may need its entry to come in. */
  readonly answeredOnly: boolean;
}

/**
 * Has the connection tracker forget UDP exchanges, so that the next packet is asked of the rules again, whatever its source
 * port. Needs CAP_NET_ADMIN and Linux 5.8 (native-notes/stale-mappings.md).
 *
 * @throws Error with errno; nothing is forgotten then
 */
export function forgetExchanges(exchanges: TrackedExchanges): void {
  const netlink = openNetlink(NETLINK_NETFILTER);
  try {
    const answer = netlink.ask(CT_DELETE, deletion(exchanges), 'acknowledged');
    if (answer.kind !== 'done')
      throw new Error(`conntrack refused with errno ${answer.kind === 'refused' ? answer.errno : 0}`);
  } finally {
    netlink.close();
  }
}

/** What the connection tracker is asked about single connections; needs CAP_NET_ADMIN. */
export interface ConnectionTracker {
  /**
   * Where the kernel sends what comes from `originator` for `destination` by TCP: the port of a redirect's target on loopback.
   * Undefined when the connection is not tracked, or is redirected to no loopback address.
   *
   * @throws Error with errno when the socket itself fails
   */
  redirectPort(originator: Endpoint, destination: Endpoint): number | undefined;
  /**
   * Where the datagrams were sent to that reach `port` of the loopback address from `source` by a redirect. The kernel gives each
   * exchange a source port of its own at our end. Undefined when nothing of the kind is tracked.
   *
   * @throws Error with errno when the socket itself fails
   */
  datagramDestination(source: Endpoint, port: number): Endpoint | undefined;
  /** Idempotent. */
  close(): void;
}

/** Opens {@link ConnectionTracker}. @throws Error with errno */
export function openConnectionTracker(): ConnectionTracker {
  const netlink = openNetlink(NETLINK_NETFILTER);
  return {
    redirectPort: (originator, destination) => redirectPort(netlink, originator, destination),
    datagramDestination: (source, port) => datagramDestination(netlink, source, port),
    close: () => netlink.close(),
  };
}

function redirectPort(
  netlink: NetlinkSocket,
  originator: Endpoint,
  destination: Endpoint,
): number | undefined {
  const source = addressBytes(originator.address);
  const size = sizeOf(source);
  const to = addressBytes(destination.address);
  // What answers, as the kernel expects it: it comes from where the connection really went.
  const attributes = trackedAs(
    netlink,
    CTA_TUPLE_ORIG,
    TCP,
    [source, originator.port],
    [to, destination.port],
  );
  if (attributes === undefined) return undefined;
  const from = attributeAt(attributes, CTA_TUPLE_REPLY, CTA_TUPLE_IP, CTA_IP_SRC[size]);
  const port = attributeAt(attributes, CTA_TUPLE_REPLY, CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT);
  if (from === undefined || port === undefined || port.length !== 2) return undefined;
  return from.equals(LOOPBACK[size]) ? port.readUInt16BE() : undefined;
}

function datagramDestination(netlink: NetlinkSocket, source: Endpoint, port: number): Endpoint | undefined {
  const address = addressBytes(source.address);
  const size = sizeOf(address);
  const attributes = trackedAs(netlink, CTA_TUPLE_REPLY, UDP, [LOOPBACK[size], port], [address, source.port]);
  if (attributes === undefined) return undefined;
  const to = attributeAt(attributes, CTA_TUPLE_ORIG, CTA_TUPLE_IP, CTA_IP_DST[size]);
  const toPort = attributeAt(attributes, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT);
  if (to?.length !== size || toPort?.length !== 2) return undefined;
  // Sent to us by itself: there is nobody else whom it is for.
  if (to.equals(LOOPBACK[size]) && toPort.readUInt16BE() === port) return undefined;
  return makeEndpoint(bytesToAddress(to), toPort.readUInt16BE());
}

/** An address, and a port. */
type Side = readonly [address: Buffer, port: number];

/** The attributes of the exchange of which one direction is this; undefined when it is not tracked. */
function trackedAs(
  netlink: NetlinkSocket,
  direction: number,
  protocol: number,
  [source, sourcePort]: Side,
  [destination, destinationPort]: Side,
): Buffer | undefined {
  const size = sizeOf(source);
  const query = Buffer.concat([
    Buffer.from([AF_OF[size], NFNETLINK_V0, 0, 0]),
    attribute(
      direction | NESTED,
      attribute(
        CTA_TUPLE_IP | NESTED,
        attribute(CTA_IP_SRC[size], source),
        attribute(CTA_IP_DST[size], destination),
      ),
      attribute(
        CTA_TUPLE_PROTO | NESTED,
        attribute(CTA_PROTO_NUM, Buffer.from([protocol])),
        attribute(CTA_PROTO_SRC_PORT, portBytes(sourcePort)),
        attribute(CTA_PROTO_DST_PORT, portBytes(destinationPort)),
      ),
    ),
  ]);
  const answer = netlink.ask(CT_GET, query);
  return answer.kind === 'message' ? answer.body.subarray(GENERIC_HEADER_BYTES) : undefined;
}

function sizeOf(address: Buffer): 4 | 16 {
  return address.length === 4 ? 4 : 16;
}

/** One message, all of it in the machine's byte order but what is a part of a packet. */
function deletion({ address, port, answeredOnly }: TrackedExchanges): Buffer {
  const destination = addressBytes(address);
  const size = sizeOf(destination);
  const seen = word(IPS_SEEN_REPLY, 'BE');
  return Buffer.concat([
    Buffer.from([AF_OF[size], NFNETLINK_V1, 0, 0]),
    attribute(
      CTA_TUPLE_ORIG | NESTED,
      attribute(CTA_TUPLE_IP | NESTED, attribute(CTA_IP_DST[size], destination)),
      attribute(
        CTA_TUPLE_PROTO | NESTED,
        attribute(CTA_PROTO_NUM, Buffer.from([UDP])),
        attribute(CTA_PROTO_DST_PORT, portBytes(port)),
      ),
    ),
    ...(answeredOnly ? [attribute(CTA_STATUS, seen), attribute(CTA_STATUS_MASK, seen)] : []),
    attribute(CTA_FILTER | NESTED, attribute(CTA_FILTER_ORIG_FLAGS, word(COMPARED, 'LE'))),
  ]);
}

function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}

function word(value: number, order: 'BE' | 'LE'): Buffer {
  const bytes = Buffer.alloc(4);
  if (order === 'BE') bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}
