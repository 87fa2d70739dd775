import { list, paragraph, type Topic } from './topic.ts';

/** The fields of a line of the log. */
export const LOG_TOPIC: Topic = {
  name: 'log',
  summary: 'what the log has of each connection, for programs that read it',
  blocks: [
    paragraph(
      'With -v, each connection is a line when it ends. With --log-format json, which is the default where the log is no ' +
        'terminal, that line is one JSON object with these fields. More may be added; none of these changes its meaning.',
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
