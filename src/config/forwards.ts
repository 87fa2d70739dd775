import { isDeepStrictEqual } from 'node:util';
import { socketPathOf } from '../net/address/endpoint.ts';
import { type Forward, formatForwardListen } from '../net/address/forward.ts';
import type { ReadContext } from './options/read-options.ts';
import type { OptionValues } from './options/table.ts';

/** More is no list that somebody has written. */
const MAX_FORWARDS = 256;

/** The forwards, each place to listen once. */
export function forwardsOf(
  values: Pick<OptionValues, 'forwards' | 'transport'>,
  { findings, locate }: Pick<ReadContext, 'findings' | 'locate'>,
): readonly Forward[] {
  const byPlace = new Map<string, Forward>();
  for (const { where, ...forward } of values.forwards) {
    if (values.transport === 'openssh' && socketPathOf(forward.to) !== undefined)
      findings.wrong(
        where,
        'goes to a unix socket of the bastion, which --transport ssh2 opens, but openssh does not',
      );
    const place = formatForwardListen(forward.listen);
    const other = byPlace.get(place);
    if (other === undefined) byPlace.set(place, forward);
    else if (!isDeepStrictEqual(other, forward))
      findings.wrong(where, `listens on ${place}, and so does another one`);
  }
  if (byPlace.size > MAX_FORWARDS)
    findings.wrong(locate('forwards'), `is given more than ${MAX_FORWARDS} times`);
  return [...byPlace.values()];
}
