import { spawn } from 'node:child_process';
import { basename } from 'node:path';

/**
 * Keeps the machine from sleeping while a command runs, where the system has a way: systemd-inhibit(1), caffeinate(8). Best
 * effort, and silent. It ends with this process, however that ends: what holds the lock reads a pipe of ours to its end.
 *
 * @returns ends it
 */
export function keepAwake(command: string): () => void {
  const argv = inhibitor(basename(command));
  if (argv === undefined) return () => {};
  const [file, ...words] = argv;
  // In a session of its own, so that Ctrl-C, which the command may survive, does not end it.
  const child = spawn(file, words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return () => child.stdin.end();
}

function inhibitor(what: string): readonly [string, ...string[]] | undefined {
  if (process.platform === 'darwin') return ['caffeinate', '-i', 'cat'];
  if (process.platform !== 'linux') return undefined;
  const why = `--why=${what} runs through a tunnel`;
  return ['systemd-inhibit', '--what=idle:sleep', '--who=tshuttle', why, '--mode=block', 'cat'];
}
