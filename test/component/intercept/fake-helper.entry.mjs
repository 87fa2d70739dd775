// Speaks the helper's protocol, well or badly, as its argument says. Changes nothing.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [behaviour, journal] = process.argv.slice(2);
/** What a test is to see of one helper after the other. */
const note = (entry) => {
  if (journal !== undefined) appendFileSync(journal, `${JSON.stringify({ pid: process.pid, ...entry })}\n`);
};
note({ type: 'start' });
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const log = (level, message) => process.stderr.write(`${JSON.stringify({ level, message })}\n`);

const greet = () => say({ type: 'hello', version: behaviour === 'old' ? 1 : 19, pid: process.pid });
if (behaviour !== 'silent' && behaviour !== 'late') greet();
if (behaviour === 'talkative') {
  log('info', 'hello log');
  process.stderr.write('some library says hello\n');
}

const NOTHING = { removed: [], kept: [], failed: [], unread: [] };
const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  if (behaviour === 'late') {
    // As while somebody types a password.
    await new Promise((resolve) => setTimeout(resolve, 300));
    greet();
  }
  const request = JSON.parse(line);
  const { id, type } = request;
  note(request);
  if (behaviour === 'dies') process.exit(3);
  else if (behaviour === 'babble') process.stdout.write('what?\n');
  else if (behaviour === 'wrong-id') say({ type: 'done', id: id + 1 });
  else if (behaviour === 'long-line') process.stdout.write('x'.repeat(100_000));
  else if (behaviour === 'mute') return;
  else if (behaviour === 'dies-when-looking' && type === 'look') process.exit(3);
  else if (type === 'cleanup') say({ type: 'cleaned', id, report: NOTHING });
  else if (type === 'start')
    say({
      type: 'started',
      id,
      report: NOTHING,
      facts: [{ candidate: 'libnftables', kind: 'usable', version: 'v1', families: [4, 6] }],
    });
  else if (type === 'end-stranded')
    say({ type: 'stranded', id, fates: request.connections.map(() => 'ended') });
  else if (type === 'look') say({ type: 'failed', id, reason: 'Operation not permitted' });
  else if (type === 'apply') say({ type: 'applied', id, left: { zones: [], udp: null } });
  else say({ type: 'done', id });
});
lines.on('close', () => {
  if (behaviour === 'leaves-rules') {
    log('error', 'rules are left behind: xtables lock');
    process.exit(71);
  }
  process.exit(0);
});
