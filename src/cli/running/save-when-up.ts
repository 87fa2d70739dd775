import type { RawOptions } from '../../config/options/table.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { CommandSession } from '../command/command-definition.ts';
import { printFitted } from '../rendering/fit-lines.ts';

/** The profile that `--save` makes of a command line: its tunnel has that name from its start. */
export interface SavedProfile {
  readonly name: string;
  /** Where it stands as soon as the tunnel is up. */
  readonly file: string;
  /** Writes it down. */
  readonly save: () => Promise<void>;
}

/**
 * Looks, before anything is started, whether the command line can be saved by the name that it asks for.
 *
 * @returns undefined when it asks for none; the exit code when it cannot be, which has been said
 * @throws TshuttleError ERR_ALREADY_RUNNING when a tunnel of this name is up
 */
export async function planToSave(
  raw: RawOptions,
  { process: context, print, refuse }: CommandSession,
): Promise<SavedProfile | undefined | number> {
  const { saveAs: name } = raw;
  if (name === undefined) return undefined;
  const { planSave, saveProfile } = await import('../../app/profiles/save-profile.ts');
  const plan = planSave({ name, where: `--save ${name}` }, raw, context.environment);
  if (plan.kind === 'problems') return await refuse('ERR_CONFIG', plan.problems);
  await refuseWhatIsUp(name, context.environment);
  return {
    name,
    file: plan.file,
    save: async () => {
      const problems = await saveProfile(plan);
      if (problems.length > 0) await refuse('ERR_CONFIG', problems);
      else if (!raw.quiet)
        printFitted(print)(`tshuttle: saved as ${name} in ${plan.file} -> next time: tshuttle up ${name}\n`);
    },
  };
}

async function refuseWhatIsUp(
  name: string,
  environment: CommandSession['process']['environment'],
): Promise<void> {
  const { RunningTunnels } = await import('../../app/running-tunnels/running-tunnels.ts');
  const { surroundingsOf } = await import('../../app/running-tunnels/user-folders.ts');
  const running = await RunningTunnels.find(surroundingsOf(environment));
  running.close();
  const found = running.named(name);
  if (found === undefined) return;
  const what = `--save ${name}: a tunnel of this name is up already, process id ${found.client.daemon.pid}`;
  throw new TshuttleError('ERR_ALREADY_RUNNING', what, {
    remedy: `save by another name, or first: tshuttle down ${name}`,
  });
}
