import type { Config } from '../../config/config.ts';
import type { Logger } from '../../core/log.ts';
import { commandSink } from './command-sink.ts';
import { desktopSink } from './desktop-sink.ts';
import type { EventSink } from './tunnel-event.ts';
import type { TunnelEvents } from './tunnel-events.ts';

/** Tells of a tunnel as its configuration says; undefined where nobody is to be told. @param who as of {@link TunnelEvents} */
export async function openEvents(
  config: Pick<Config, 'onEvent' | 'notify'>,
  who: { readonly name: string; readonly isWatched: boolean },
  logger: Logger,
): Promise<TunnelEvents | undefined> {
  const onOutput = (output: string): void => logger.info(`--on-event: ${output}`);
  const sinks: ReadonlyArray<EventSink | undefined> = [
    config.onEvent === undefined ? undefined : commandSink(config.onEvent, onOutput),
    desktopSink(config.notify),
  ];
  const told = sinks.filter((sink) => sink !== undefined);
  if (told.length === 0) return undefined;
  const { TunnelEvents } = await import('./tunnel-events.ts');
  return new TunnelEvents(who, told, logger);
}
