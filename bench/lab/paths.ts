import { LINK_DEVICE, startLink } from '../link/link.ts';
import { LINK_PROFILES, type LinkProfile } from '../link/profiles.ts';
import { ADDRESSES, type BenchLab } from './bench-lab.ts';

/** What lies between client and bastion: a veth pair, or one of the emulated links. */
export type PathName = 'veth' | keyof typeof LINK_PROFILES;

/** A way between client and bastion that is up. */
export interface Path {
  /** What of it runs outside the lab's namespaces. */
  readonly pid: number | undefined;
  remove(): Promise<void>;
}

/** How TCP behaves in all namespaces of the lab. */
export type CongestionControl = 'bbr' | 'reno';

/** Joins client and bastion. One path at a time. */
export async function layPath(lab: BenchLab, name: PathName, control: CongestionControl): Promise<Path> {
  const profile: LinkProfile | undefined = name === 'veth' ? undefined : LINK_PROFILES[name];
  await tuneTcp(lab, control, profile?.tcpBufferBytes);
  const path = profile === undefined ? await layVeth(lab) : await layLink(lab, profile);
  await lab.client.ip(`route replace default via ${ADDRESSES.bastion}`);
  return path;
}

async function layVeth(lab: BenchLab): Promise<Path> {
  await lab.client.ip(`link add up0 type veth peer name outer0 netns ${lab.bastion.name}`);
  await address(lab, 'up0', 'outer0');
  return {
    pid: undefined,
    remove: async () => {
      await lab.client.ip('link del up0');
    },
  };
}

async function layLink(lab: BenchLab, profile: LinkProfile): Promise<Path> {
  const link = await startLink(lab.programs.linkEmulator, lab.client.name, lab.bastion.name, profile);
  const endAtExit = () => {
    try {
      process.kill(link.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  process.once('exit', endAtExit);
  for (const namespace of [lab.client, lab.bastion]) {
    await namespace.ip(`link set ${LINK_DEVICE} mtu ${profile.mtu} txqueuelen 10000`);
  }
  await address(lab, LINK_DEVICE, LINK_DEVICE);
  return {
    pid: link.pid,
    remove: async () => {
      await link.stop();
      process.off('exit', endAtExit);
    },
  };
}

async function address(lab: BenchLab, clientDevice: string, bastionDevice: string): Promise<void> {
  await lab.client.ip(`addr add ${ADDRESSES.client}/24 dev ${clientDevice}`);
  await lab.bastion.ip(`addr add ${ADDRESSES.bastion}/24 dev ${bastionDevice}`);
  await lab.client.ip(`link set ${clientDevice} up`);
  await lab.bastion.ip(`link set ${bastionDevice} up`);
}

/** The kernel's defaults for the ceilings of its buffers, read and write. */
const DEFAULT_BUFFER_BYTES = [6_291_456, 4_194_304] as const;

async function tuneTcp(
  lab: BenchLab,
  control: CongestionControl,
  bufferBytes: number | undefined,
): Promise<void> {
  const [read, write] =
    bufferBytes === undefined ? DEFAULT_BUFFER_BYTES : ([bufferBytes, bufferBytes] as const);
  for (const namespace of [lab.client, lab.bastion, lab.destination]) {
    await namespace.must([
      'sysctl',
      '-qw',
      `net.ipv4.tcp_congestion_control=${control}`,
      `net.ipv4.tcp_rmem=4096 131072 ${read}`,
      `net.ipv4.tcp_wmem=4096 16384 ${write}`,
      'net.ipv4.tcp_no_metrics_save=1', // nothing learned from the peer before
    ]);
  }
}
