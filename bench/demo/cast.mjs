// The processes of the demo: those that are bastion and database, and tshuttle itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @param {string[]} argv
 * @param {import('node:child_process').SpawnOptions} options
 */
function start([file, ...args], options) {
  return spawn(file, args, options);
}

/**
 * Starts a server in a network namespace of its own. It has an id at once, reports `started`, and serves when told to.
 *
 * @param {string} script
 * @param {string[]} args
 */
export async function startServer(script, args = []) {
  const child = start(['unshare', '--net', process.execPath, here(script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {}); // it may end first
  const events = [];
  const waiting = new Set();
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line));
    for (const wake of waiting) wake();
  });
  const ended = new Promise((_resolve, reject) => {
    child.on('error', reject).on('exit', () => reject(new Error(`${script} ended too early`)));
  });
  ended.catch(() => {}); // told to whoever waits for the server
  const event = async (kind) => {
    for (;;) {
      const found = events.find((candidate) => candidate.kind === kind);
      if (found !== undefined) return found;
      await Promise.race([ended, new Promise((resolve) => waiting.add(resolve))]);
    }
  };
  await event('started');
  return {
    pid: child.pid,
    event,
    events,
    serve: async () => {
      child.stdin.write('serve\n');
      await event('ready');
    },
  };
}

/**
 * Starts the real bin/tshuttle in our namespace.
 *
 * @param {string[]} args
 * @param {string} home
 */
export function startTshuttle(args, home) {
  // With a parent that dies by SIGKILL it goes, too.
  const command = ['setpriv', '--pdeathsig', 'TERM', process.execPath, here('../../bin/tshuttle'), ...args];
  const child = start(command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, LANG: 'C.UTF-8' },
  });
  let output = '';
  const ended = once(child, 'close');
  ended.catch(() => {}); // told to whoever waits
  const ready = new Promise((resolve, reject) => {
    const onData = (text) => {
      output += text;
      if (/ through .*\n/.test(output)) resolve(output.trim());
    };
    child.stdout.setEncoding('utf8').on('data', onData);
    child.stderr.setEncoding('utf8').on('data', onData);
    ended.then(([code]) => reject(new Error(`tshuttle ended with ${code}: ${output.trim()}`)), reject);
  });
  return {
    ready,
    stop: async () => {
      child.kill('SIGINT');
      const [code] = await ended;
      return code;
    },
  };
}
