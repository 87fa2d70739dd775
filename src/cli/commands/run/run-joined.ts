import { waitingFor } from '../../../app/keep-up/reach-probe.ts';
import type { RunningTunnelHandle } from '../../../app/running-tunnels/running-tunnels.ts';
import type { HostPort } from '../../../net/address/endpoint.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { progressLine } from '../../rendering/progress-line.ts';
import { startCommand } from './child-command.ts';
import { keepAwake } from './keep-awake.ts';

/**
 * Runs a command with a tunnel that is up already, once that carries and reaches what it is to reach. The tunnel stays as it
 * is, and outlives the command.
 *
 * @param probe left out: the host of the auth_url of its cloud, if it has one
 * @returns the command's exit code
 * @throws TshuttleError only before the command has started
 */
export async function runJoined(
  command: readonly [string, ...string[]],
  { client, report: { name } }: RunningTunnelHandle,
  probe: HostPort | undefined,
  { process: context }: CommandSession,
): Promise<number> {
  const { stop } = context;
  // The daemon is told by the end of the connection.
  const leave = (): void => client.close();
  stop.signal.addEventListener('abort', leave, { once: true });
  progressLine.step(probe === undefined ? `waiting until ${name} is connected` : waitingFor(probe)());
  try {
    await client.ask({ type: 'reach', name, host: probe?.host ?? null, port: probe?.port ?? null });
  } catch (error) {
    if (stop.signal.aborted) return await stop.requested;
    throw error;
  } finally {
    progressLine.step(undefined);
    stop.signal.removeEventListener('abort', leave);
    client.close();
  }
  const letSleep = keepAwake(command[0]);
  const report = (line: string): void => void process.stderr.write(`tshuttle: ${line}\n`);
  const running = startCommand(command, context.environment, report);
  context.onSignal = (signal) => running.signal(signal);
  // By itself only for a bug of ours, which nobody who waits for the command would hear of.
  stop.signal.addEventListener('abort', () => running.signal('SIGTERM'), { once: true });
  try {
    return await running.ended;
  } finally {
    letSleep();
    context.onSignal = undefined;
  }
}
