import { expect, test } from 'vitest';
import { createLoggers } from '../../../../src/app/log/logging.ts';
import { SyslogSink, whyNoSyslog } from '../../../../src/app/log/syslog-sink.ts';

function open(tunnel?: string) {
  const sent: string[] = [];
  const others: string[] = [];
  let isThere = true;
  const sink = new SyslogSink(
    { write: (line) => void others.push(line) },
    {
      now: () => new Date(2026, 10, 3, 7, 5, 9),
      send: (path, text) => {
        if (!isThere) throw new Error('sendto /dev/log failed with errno 2');
        sent.push(`${path} ${text}`);
      },
    },
  );
  const { logger } = createLoggers(2, sink, tunnel);
  const setThere = (is: boolean): void => {
    isThere = is;
  };
  return { sent, others, logger, setThere };
}

const begin = (priority: number): string =>
  `/dev/log <${priority}>Nov  3 07:05:09 tshuttle[${process.pid}]: `;

test('lines are as syslog(3) writes them, by their levels, and go to the other sink, too', () => {
  const { sent, others, logger } = open();
  logger.error('gone', { code: 'ERR_BASTION_LOST' });
  logger.warn('careful');
  logger.info('so it is');
  logger.debug('in detail');
  expect(sent).toEqual([
    `${begin(27)}gone {"code":"ERR_BASTION_LOST"}`,
    `${begin(28)}careful`,
    `${begin(30)}so it is`,
    `${begin(31)}in detail`,
  ]);
  expect(others).toHaveLength(4);
});

test('of several tunnels each line names its own; a line is one line, without controls, and not endless', () => {
  const { sent, logger } = open('office');
  logger.warn(`refused:\n<0>root: forged \u001b[2J${'x'.repeat(20_000)}`, { password: 'hush' });
  expect(sent[0]).toMatch(/: office: refused: <0>root: forged \[2Jx+/);
  expect(sent[0]!.length).toBeLessThan(8_192);
  expect(sent[0]).not.toMatch(/\n|hush/);
});

test('what the system does not take is lost to it, which the next line says', () => {
  const { sent, others, logger, setThere } = open();
  setThere(false);
  logger.warn('one');
  logger.warn('two');
  setThere(true);
  logger.warn('three');
  logger.warn('four');
  expect(sent.map((line) => line.replace(/^.*\]: /, ''))).toEqual([
    "2 lines before this one did not reach the system's log",
    'three',
    'four',
  ]);
  expect(others).toHaveLength(4);
});

test('it is for Linux', () => {
  expect(whyNoSyslog('darwin')).toMatch(/for Linux/);
});
