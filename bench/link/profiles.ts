/** A link between client and bastion. Rates in Mbit/s of IP bytes, buffers in bytes before packets are dropped. */
export interface LinkProfile {
  readonly title: string;
  readonly downMbit: number;
  readonly upMbit: number;
  readonly roundTripMs: number;
  readonly bufferBytes: number;
  readonly lossPercent: number;
  readonly mtu: number;
  /** Ceiling of the kernel's own TCP buffers in all namespaces; its default where left out. */
  readonly tcpBufferBytes?: number;
}

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** The links that the bench measures, by name. */
export const LINK_PROFILES = {
  a: {
    title: 'link A: 20/10 Mbit/s, RTT 40 ms (a laptop at home)',
    downMbit: 20,
    upMbit: 10,
    roundTripMs: 40,
    bufferBytes: 256 * KIBIBYTE,
    lossPercent: 0,
    mtu: 1500,
  },
  b: {
    title: 'link B: 100 Mbit/s, RTT 100 ms (another continent)',
    downMbit: 100,
    upMbit: 100,
    roundTripMs: 100,
    bufferBytes: 1.25 * MEBIBYTE,
    lossPercent: 0,
    mtu: 1500,
  },
  // At 1500 bytes a packet the emulator does not keep up with this rate.
  c: {
    title: 'link C: 1 Gbit/s, RTT 20 ms (an office)',
    downMbit: 1000,
    upMbit: 1000,
    roundTripMs: 20,
    bufferBytes: 2.5 * MEBIBYTE,
    lossPercent: 0,
    mtu: 9000,
  },
  d: {
    title: 'link D: as B, with 0.5 % loss',
    downMbit: 100,
    upMbit: 100,
    roundTripMs: 100,
    bufferBytes: 1.25 * MEBIBYTE,
    lossPercent: 0.5,
    mtu: 1500,
  },
  // Neither the link nor TCP's buffers shall be the limit: what remains is the ssh channel's window.
  long: {
    title: 'long path: 2 Gbit/s, RTT 100 ms',
    downMbit: 2000,
    upMbit: 2000,
    roundTripMs: 100,
    bufferBytes: 32 * MEBIBYTE,
    lossPercent: 0,
    mtu: 9000,
    tcpBufferBytes: 128 * MEBIBYTE,
  },
} as const satisfies Record<string, LinkProfile>;
