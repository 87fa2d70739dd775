import { formatDuration } from '../../../../core/quantities.ts';
import { cellText, cutOff } from '../../../rendering/display-width.ts';
import type { TopDocument, TopFailure } from '../document/top-document.ts';
import { textFilter } from '../view/rows.ts';
import type { ScreenStyle } from './style.ts';

/**
 * What could not be carried, by cause and, of what ended lately, by destination: of those that match the filter.
 *
 * @param style how wide a line may be
 */
export function failuresList(
  { failures, tunnels, atMs }: TopDocument,
  filter: string,
  style: ScreenStyle,
): readonly string[] {
  const matches = textFilter(filter);
  const line = (text: string): string => cutOff(cellText(text, style.hasUnicode), style.columns);
  const ago = (timeMs: number): string => `${formatDuration(atMs - timeMs)} ago`;
  return failures.flatMap((failure) => {
    const { tunnel, what, count, lastAtMs, remedy } = failure;
    const of = tunnels.length > 1 ? `${tunnel}: ` : '';
    const isWhole = matches?.(`${tunnel} ${what}`) ?? true;
    const shown = destinationsOf(failure).filter(
      ({ destination, why }) => isWhole || matches?.(`${destination} ${why}`),
    );
    if (!isWhole && shown.length === 0) return [];
    return [
      style.colours.bold(line(`${of}${count} ${what}, last ${ago(lastAtMs)}`)),
      ...(remedy === null ? [] : [line(`  -> ${remedy}`)]),
      ...shown.map((one) =>
        line(`  ${one.count} to ${one.destination}, last ${ago(one.lastAtMs)}${words(one.why)}`),
      ),
    ];
  });
}

/** The last one stays known when how it ended has been forgotten. */
function destinationsOf(failure: TopFailure): ReadonlyArray<TopFailure['destinations'][number]> {
  const { destinations, lastDestination, lastAtMs } = failure;
  if (destinations.length > 0 || lastDestination === null) return destinations;
  return [{ destination: lastDestination, count: 1, lastAtMs, why: '' }];
}

function words(why: string): string {
  return why === '' ? '' : `: ${why}`;
}
