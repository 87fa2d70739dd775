import { formatTrafficSource, type TrafficSource } from '../../../net/address/traffic-source.ts';
import type { SourceInterfaces } from '../../../net/machine/source-interfaces.ts';

/** Says whose connections are captured beside this machine's own, and what differs for them; nothing where nobody's are. */
export function explainOthers(
  sources: readonly TrafficSource[],
  { addresses, links }: SourceInterfaces,
): readonly string[] {
  return sources.map((source) => {
    const name = formatTrafficSource(source);
    const interfaces = [
      ...new Set(addresses.filter((one) => one.sources.includes(source)).map((one) => one.interfaceName)),
    ];
    if (interfaces.length === 0)
      return `from others, by --also-from ${name}: nothing comes in yet, no such interface is up`;
    const left = links.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(', ');
    return `from others, by --also-from ${name} (${interfaces.join(', ')}): the same, except for what goes to this machine itself or to ${left}`;
  });
}
