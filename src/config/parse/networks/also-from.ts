import { numberToAddress } from '../../../net/address/literal.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { isInterfacePattern, type TrafficSource } from '../../../net/address/traffic-source.ts';
import { Invalid } from '../invalid.ts';

/** Parses `docker0`, `br-*`, `192.168.50.0/24` and `fd00:50::/64`. */
export function parseTrafficSource(text: string): TrafficSource | Invalid {
  const cidr = parseCidr(text);
  if (cidr !== undefined) {
    const { family, first, prefixLength } = cidr;
    return { kind: 'network', address: numberToAddress(family, first), prefixLength };
  }
  if (text === 'lo') return new Invalid('is what this machine sends to itself, which is captured anyway');
  if (/[/:]/.test(text)) return new Invalid('is not a network; write it as in 192.168.50.0/24');
  if (/^\d+(?:\.\d+)*$/.test(text)) return new Invalid('is not an address; write it as in 192.168.50.7');
  if (isInterfacePattern(text)) return { kind: 'interface', name: text };
  return new Invalid(
    text === '*'
      ? 'is every interface; name those whose connections are to be captured, as in docker0, br-* or eth1'
      : 'is neither the name of an interface, as in docker0 or br-*, nor a network, as in 192.168.50.0/24',
  );
}
