import { list, paragraph, type Topic } from './topic.ts';

/** The fields of a line of the log. */
export const LOG_TOPIC: Topic = {
  name: 'log',
  summary: 'what the log has of each connection, for programs that read it',
  blocks: [
    paragraph(
      'Without -v, warnings are logged; with -v each connection too, when it ends; with -vv everything. On a terminal these are sentences, ' +
        'as 10.0.0.8:5432 closed after 3.2 s, 4.0 KiB up, 1.2 MiB down, and of each DNS query that is answered here db.internal A: ' +
        '198.18.0.3, after 12 ms (50 a second, the rest is counted). -vv adds the fields below. What takes longer than a second is ' +
        'one line there, which goes away again (with TERM=dumb it stays). -q leaves errors and questions, and a background log of errors.',
    ),
    paragraph(
      'Off a terminal, and with --log-format json, a line of the log is one JSON object. With --log-format json, and with -v off a terminal, ' +
        'so is all else that tshuttle writes to standard error, as why it ended. Not ours are the lines of the command of run, and what ' +
        'an ssh that asks by itself and other programs say on the terminal. Of a connection a line has these fields. More may be added; none ' +
        'of these changes its meaning.',
    ),
    list(
      ['level', 'string: info for a connection'],
      ['time', 'string: when it ended, ISO 8601, UTC'],
      ['pid', 'number: the process id of tshuttle'],
      ['tunnel', 'string: its name, where one process has several; otherwise left out'],
      ['destination', 'string: HOST:PORT, by name where it was opened by name'],
      ['address', 'string: the synthetic address of that name; otherwise left out'],
      ['originator', 'string: ADDRESS:PORT of the program that connected'],
      ['end', 'string: how it ended: eof, refused, reset, bastion-lost, aborted'],
      ['bytesUp', 'number: bytes from the program to the destination'],
      ['bytesDown', 'number: bytes from the destination to the program'],
      ['durationMs', 'number: milliseconds from connecting to the end'],
      ['msg', 'string: the destination and why it ended, for people'],
    ),
  ],
};
