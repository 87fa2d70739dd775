import {
  type Fields,
  readInteger,
  readJson,
  readList,
  readObject,
  readPort,
  readText,
  readWord,
} from '../../../../net/messages/field-reader.ts';
import { MAX_EXEMPT_PORTS } from '../../../rules/plan-limits.ts';
import type { RuleOwner } from '../../../rules/redirect-plan.ts';
import { MAX_RESOLVER_FILES } from '../../../rules/resolver-files.ts';
import { readZoneName } from '../../resolver/read-zone-name.ts';

/**
 * What a helper has, or may have, done to this machine's pf: written down before it is done, so that whoever comes after a crash can
 * undo it.
 */
export interface PfHoldings {
  /** Whose rules are in an anchor; undefined: there are none. */
  readonly owner: RuleOwner | undefined;
  /** Whether the main ruleset calls that anchor because we made it. */
  readonly isCalled: boolean;
  /** Whether lo0 has our address for IPv6. */
  readonly hasAlias: boolean;
  /** Of macOS: `pending`, pf was asked to be enabled, and what it answered is not known. */
  readonly token: string | 'pending' | undefined;
  /** The ports from which our forwarder asks nameservers, which the rules of later tunnels let pass. */
  readonly forwarderPorts: readonly number[];
  /** Of macOS: the zones that may have a file of the owner's. */
  readonly zones: readonly string[];
}

/** Nothing yet. */
export const NO_HOLDINGS: PfHoldings = {
  owner: undefined,
  isCalled: false,
  hasAlias: false,
  token: undefined,
  forwarderPorts: [],
  zones: [],
};

/** Renders it as one line of JSON. */
export function formatHoldings(holdings: PfHoldings): string {
  const { owner = null, token = null, ...rest } = holdings;
  return JSON.stringify({ owner, token, ...rest });
}

/**
 * What later versions than the first write, as one that does not know it has it: whoever was killed before an update has left a record of
 * his version, and what he has done is to be undone by ours. A field that is added goes in here.
 */
const WITHOUT_LATER_FIELDS = { zones: [] } as const;

/** Takes what {@link formatHoldings} gives, or gave in an earlier version, with anything after its line. @throws GrammarError */
export function parseHoldings(text: string): PfHoldings {
  const written = readJson(text.split('\n', 1)[0] ?? '');
  const all = isFields(written) ? { ...WITHOUT_LATER_FIELDS, ...written } : written;
  const fields = readObject(all, 'holdings', Object.keys(NO_HOLDINGS));
  const isSo = (key: string): boolean => readWord(`${fields[key]}`, key, ['true', 'false']) === 'true';
  return {
    owner: fields['owner'] === null ? undefined : readOwner(fields['owner']),
    isCalled: isSo('isCalled'),
    hasAlias: isSo('hasAlias'),
    token: fields['token'] === null ? undefined : readText(fields['token'], 'token', 32),
    forwarderPorts: readList(fields['forwarderPorts'], 'forwarderPorts', MAX_FORWARDER_PORTS, readPort),
    zones: readList(fields['zones'], 'zones', MAX_RESOLVER_FILES, readZoneName),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Those of a plan, with those of all tunnels before. */
const MAX_FORWARDER_PORTS = 16 * MAX_EXEMPT_PORTS;

function readOwner(value: unknown): RuleOwner {
  const fields = readObject(value, 'owner', ['userId', 'listenerPort']);
  return {
    userId: readInteger(fields['userId'], 'owner.userId', 0, 2 ** 32),
    listenerPort: readPort(fields['listenerPort'], 'owner.listenerPort'),
  };
}
