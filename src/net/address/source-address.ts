import type { IpFamily } from './literal.ts';
import type { TrafficSource } from './traffic-source.ts';

/** An address of this machine at which redirected connections of others arrive. */
export interface SourceAddress {
  readonly interfaceName: string;
  /** What the kernel calls the interface: another one of the same name has another. */
  readonly interfaceIndex: number;
  readonly family: IpFamily;
  /** With its scope where it is of one link, as for binding. */
  readonly address: string;
  /** The sources whose connections may arrive there. */
  readonly sources: readonly TrafficSource[];
}
