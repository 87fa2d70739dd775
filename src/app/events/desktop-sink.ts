import { printableLine } from '../../core/printable.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { runShortProgram } from './bounded-run.ts';
import type { EventKind, EventSink, TunnelEvent } from './tunnel-event.ts';

/** What of a desktop stays readable. */
const INTERVAL_MS = 10_000;
const MAX_BODY_CHARACTERS = 300;

/** Which events a desktop shows. `auto`: those that need somebody, where there is a desktop. */
export type Notify = 'auto' | 'off' | 'needs-you' | 'all';

/** The events after which nothing goes on by itself. */
const NEED_SOMEBODY: ReadonlySet<EventKind> = new Set(['needs-login', 'given-up']);

/** Where a desktop would be, and what it is told with. */
export interface DesktopSurroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Shows events on the desktop; undefined where nothing is to be shown, or there is none. */
export function desktopSink(
  notify: Notify,
  { platform, environment }: DesktopSurroundings = { platform: process.platform, environment: process.env },
): EventSink | undefined {
  if (notify === 'off') return undefined;
  const isAuto = notify === 'auto';
  if (isAuto && !hasDesktop(platform, environment)) return undefined;
  const { name: system, install, notifier } = systemWords(platform);
  const remedy =
    notifier === 'notify-send'
      ? `it needs a desktop, and ${notifier}: ${install(platform === 'linux' ? 'libnotify-bin' : 'libnotify')}; else --on-event`
      : 'leave --notify out, and use --on-event';
  return {
    name: '--notify',
    intervalMs: INTERVAL_MS,
    isBestEffort: isAuto,
    remedy,
    takes: ({ kind }) => notify === 'all' || NEED_SOMEBODY.has(kind),
    deliver: async (event, bounds) => {
      const command = notifierFor(event, platform);
      if (command === undefined) throw new Error(`nothing here shows notifications on ${system}`);
      await runShortProgram({ command, environment: {} }, bounds);
    },
  };
}

/** macOS says so itself where nobody is logged in; elsewhere notifications go over the bus of the session. */
function hasDesktop(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (platform === 'darwin') return true;
  if (platform === 'win32') return false;
  return [
    environment['DISPLAY'],
    environment['WAYLAND_DISPLAY'],
    environment['DBUS_SESSION_BUS_ADDRESS'],
  ].some((value) => value !== undefined && value !== '');
}

/**
 * The program that shows an event, with arguments in which no text means anything but itself
 * (native-notes/desktop-notifications.md); undefined where there is none.
 */
export function notifierFor(
  event: TunnelEvent,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | undefined {
  const title = `tshuttle: ${printableLine(event.name)} ${TITLES[event.kind]}`;
  const body = bodyOf(event);
  if (platform === 'win32') return undefined;
  // The title begins with our name, so that neither program takes it for an option.
  if (platform === 'darwin')
    return ['osascript', ...APPLE_SCRIPT.flatMap((line) => ['-e', line]), title, body];
  const urgency = NEED_SOMEBODY.has(event.kind) ? 'critical' : 'normal';
  return ['notify-send', '--app-name=tshuttle', `--urgency=${urgency}`, '--', title, asMarkup(body)];
}

const TITLES: Readonly<Record<EventKind, string>> = {
  up: 'is up',
  lost: 'has lost its connection',
  back: 'is back',
  'needs-login': 'needs a login',
  'given-up': 'has ended',
  down: 'is down',
};

const APPLE_SCRIPT = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
] as const;

function bodyOf({ message, remedy }: TunnelEvent): string {
  const text = printableLine(remedy === null ? message : `${message} -> ${remedy}`);
  return text.length > MAX_BODY_CHARACTERS ? `${[...text].slice(0, MAX_BODY_CHARACTERS).join('')}...` : text;
}

/** Of the body, notify-send resolves escapes of C, and whoever shows it markup. */
function asMarkup(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
