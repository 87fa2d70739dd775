import { cidrOf } from '../../../net/address/cidr.ts';
import { addressBits, familyOf, numberToAddress } from '../../../net/address/literal.ts';
import {
  isInterfacePattern,
  MAX_SOURCES,
  type PlainNetwork,
  type TrafficSource,
} from '../../../net/address/traffic-source.ts';
import {
  type Fields,
  fieldOf,
  GrammarError,
  readAnyAddress,
  readInteger,
  readList,
  readObject,
  readText,
  readWord,
} from '../../../net/messages/field-reader.ts';
import { MAX_LINKS } from '../../rules/plan-limits.ts';
import type { AlsoFrom } from '../../rules/redirect-plan.ts';

/** Of what the kernel calls an interface (IFNAMSIZ without its zero). */
const MAX_INTERFACE_NAME = 15;

/** Takes what a plan says of others' connections. @throws GrammarError */
export function readAlsoFrom(value: unknown): AlsoFrom {
  const fields = readObject(value, 'plan.alsoFrom', ['sources', 'links']);
  const sources = readList(fields['sources'], 'plan.alsoFrom.sources', MAX_SOURCES, readSource);
  if (sources.length === 0) throw new GrammarError('plan.alsoFrom has no sources');
  return {
    sources,
    links: readList(fields['links'], 'plan.alsoFrom.links', MAX_LINKS, (link, where) =>
      readNetwork(readObject(link, where, ['address', 'prefixLength']), where),
    ),
  };
}

function readSource(value: unknown, where: string): TrafficSource {
  const kind = readWord(fieldOf(value, 'kind'), `${where}.kind`, ['interface', 'network']);
  if (kind === 'network') {
    return { kind, ...readNetwork(readObject(value, where, ['kind', 'address', 'prefixLength']), where) };
  }
  const fields = readObject(value, where, ['kind', 'name']);
  const name = readText(fields['name'], `${where}.name`, MAX_INTERFACE_NAME);
  if (!isInterfacePattern(name)) throw new GrammarError(`${where}.name names no interface`);
  return { kind, name };
}

function readNetwork(fields: Fields, where: string): PlainNetwork {
  const address = readAnyAddress(fields['address'], `${where}.address`);
  const family = familyOf(address);
  const prefixLength = readInteger(fields['prefixLength'], `${where}.prefixLength`, 0, addressBits(family));
  // In the one form that it has, so that nothing of what was sent stands in a rule.
  return { address: numberToAddress(family, cidrOf(address, prefixLength).first), prefixLength };
}
