import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** What a tunnel tells by itself. */
export const eventsTopic = (system: SystemWords): Topic => ({
  name: 'events',
  summary: 'be told when a tunnel is lost, back, or needs a login: --on-event, --notify',
  blocks: [
    paragraph('These are the events of a tunnel that is up, and then of its end:'),
    list(
      ['up', 'traffic is captured'],
      ['lost', 'the bastion is lost, or the rules are gone; tshuttle tries by itself'],
      ['back', 'it works again, also after needs-login'],
      [
        'needs-login',
        'somebody must type a code or a password, or the login was refused: tshuttle login NAME',
      ],
      ['given-up', 'it has ended by a failure; a process that is killed tells nothing'],
      ['down', 'it has ended as asked'],
    ),
    paragraph(
      `--on-event CMD, in a profile on_event, runs CMD by ${system.platform === 'win32' ? 'cmd.exe' : '/bin/sh'}, as you, in the folder where tshuttle was started, ` +
        'with no input. What has happened is in its environment: TSHUTTLE_EVENT, TSHUTTLE_NAME (the tunnel), TSHUTTLE_BASTION, TSHUTTLE_MESSAGE ' +
        'and TSHUTTLE_REMEDY (may be empty), which are for people, and TSHUTTLE_SINCE (ISO 8601, UTC). Each is one line. Their texts may be the ' +
        `bastion's: ${system.platform === 'win32' ? 'have a program read the variables, rather than the command line' : 'write "$TSHUTTLE_MESSAGE", in quotes, and never eval it'}.`,
    ),
    ...(system.platform === 'win32'
      ? []
      : [
          commands(
            `tshuttle -r bastion --on-event 'echo "$TSHUTTLE_NAME: $TSHUTTLE_EVENT" >> ~/tunnels' 10.0.0.0/8`,
          ),
          paragraph('A profile has on_event: ~/bin/tunnel-event, and that file:'),
          commands(
            '#!/bin/sh',
            'case $TSHUTTLE_EVENT in lost|needs-login|given-up)',
            '  curl -m 5 -d "$TSHUTTLE_NAME: $TSHUTTLE_MESSAGE" https://ntfy.sh/my-topic;;',
            'esac',
          ),
        ]),
    paragraph(
      'Events are told at once, while there are few. One CMD runs at a time, and in the long run one in 5 s: of a bastion that comes and goes only ' +
        'the latest event is told. ' +
        'After 10 s CMD is ended, and what it has left running in its process group when it ends; the last event of a tunnel has 2 s. What it says is in the log ' +
        'with -v. A CMD that fails, hangs or says more than 64 KiB changes nothing for the tunnel: log, status and doctor tell of it. Its own ' +
        'connections are captured as any others are, and wait while the bastion is lost.',
    ),
    paragraph(
      (system.notifier === undefined
        ? `--notify shows events on a desktop; nothing does so on ${system.name}. `
        : `--notify shows events on the desktop, by ${system.notifier}: needs-you shows needs-login and given-up, all shows each, and off none. ` +
          'The default is auto: as needs-you where there is a desktop, and without a word where there is none; in the long run one in 10 s. ') +
        'A start that fails is given-up where no terminal shows it and another try would not help, as when the bastion refuses the login.',
    ),
  ],
});
