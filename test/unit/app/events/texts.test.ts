import { expect, test } from 'vitest';
import { eventEnvironment } from '../../../../src/app/events/command-sink.ts';
import { desktopSink, notifierFor } from '../../../../src/app/events/desktop-sink.ts';
import { EVENT_KINDS, type TunnelEvent } from '../../../../src/app/events/tunnel-event.ts';

const EVENT: TunnelEvent = {
  kind: 'needs-login',
  name: 'office',
  bastion: 'me@gate.example (203.0.113.7:22)',
  message: 'the bastion refused the login',
  remedy: 'tshuttle login office',
  sinceMs: Date.UTC(2026, 10, 30, 12, 0, 0),
};

/** All that a bastion could have in a text to be taken for something else. */
const HOSTILE: TunnelEvent = {
  ...EVENT,
  name: '-u critical',
  bastion: '$(reboot)\n`reboot`',
  message: `--help\u001b[2J\u202e <a href="http://evil.example">log in</a> & "quoted" \\n \\101 '; rm -rf ~'\r\nnext\u0000line`,
  remedy: null,
};

test('a command is told by its environment', () => {
  expect(eventEnvironment(EVENT)).toEqual({
    TSHUTTLE_EVENT: 'needs-login',
    TSHUTTLE_NAME: 'office',
    TSHUTTLE_BASTION: 'me@gate.example (203.0.113.7:22)',
    TSHUTTLE_MESSAGE: 'the bastion refused the login',
    TSHUTTLE_REMEDY: 'tshuttle login office',
    TSHUTTLE_SINCE: '2026-11-30T12:00:00.000Z',
  });
});

test('what a bastion says is one printable line there, and not endless', () => {
  const values = Object.values(eventEnvironment({ ...HOSTILE, remedy: 'x'.repeat(1_000_000) }));
  for (const value of values) expect(value).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u);
  expect(values.join('').length).toBeLessThan(10_000);
});

test('a desktop of Linux: the event as it is, or as markup that means only itself', () => {
  expect(notifierFor(EVENT, 'linux')).toEqual([
    'notify-send',
    '--app-name=tshuttle',
    '--urgency=critical',
    '--',
    'tshuttle: office needs a login',
    'the bastion refused the login -&gt; tshuttle login office',
  ]);
  const [, , , dashes, title, body = ''] = notifierFor(HOSTILE, 'linux')!;
  expect(dashes).toBe('--');
  expect(title).toBe('tshuttle: -u critical needs a login');
  expect(body).not.toMatch(/[<>"]|&(?!amp;|lt;|gt;|quot;)|\p{C}/u);
  // notify-send resolves the escapes of C: what is left of these is what was said.
  expect(body.replace(/\\\\/g, '')).not.toContain('\\');
  expect(body).toContain('&lt;a href=&quot;http://evil.example&quot;&gt;log in&lt;/a&gt; &amp;');
});

test('macOS: texts are arguments of a script that never changes', () => {
  const [program, ...words] = notifierFor(HOSTILE, 'darwin')!;
  expect(program).toBe('osascript');
  expect(words.slice(0, 6)).toEqual(notifierFor(EVENT, 'darwin')!.slice(1, 7));
  expect(words).toHaveLength(8);
  expect(words[6]).toMatch(/^tshuttle: /);
});

test('a long text is cut, and each kind has a title', () => {
  const [body = ''] = notifierFor({ ...EVENT, message: 'x'.repeat(10_000) }, 'linux')!.slice(-1);
  expect(body.length).toBeLessThan(400);
  const titles = EVENT_KINDS.map((kind) => notifierFor({ ...EVENT, kind }, 'linux')![4]);
  expect(new Set(titles).size).toBe(EVENT_KINDS.length);
});

test.each([
  ['auto', 'linux', {}, undefined],
  ['auto', 'linux', { DISPLAY: '' }, undefined],
  ['auto', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['needs-login', 'given-up']],
  ['auto', 'linux', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1/bus' }, ['needs-login', 'given-up']],
  ['auto', 'darwin', {}, ['needs-login', 'given-up']],
  ['auto', 'win32', { DISPLAY: ':0' }, undefined],
  ['off', 'linux', { DISPLAY: ':0' }, undefined],
  ['needs-you', 'linux', {}, ['needs-login', 'given-up']],
  ['all', 'linux', {}, EVENT_KINDS],
] as const)('--notify %s on %s with %j shows %j', (notify, platform, environment, expected) => {
  const sink = desktopSink(notify, { platform, environment });
  const shown = sink && EVENT_KINDS.filter((kind) => sink.takes({ ...EVENT, kind }));
  expect(shown?.toSorted()).toEqual(expected && [...expected].sort());
});

test('where nothing can show them, and it was asked for, that is a failure with a remedy', async () => {
  const sink = desktopSink('all', { platform: 'win32', environment: {} })!;
  const { signal } = new AbortController();
  await expect(sink.deliver(EVENT, { limitMs: 1_000, signal })).rejects.toThrow(
    /nothing here shows.*Windows/,
  );
  expect(sink).toMatchObject({ isBestEffort: false, remedy: expect.stringContaining('--on-event') });
});
