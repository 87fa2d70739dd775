import { withClouds } from '../../../app/openstack/profile-clouds.ts';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { sudoWarnings, surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import type { RawOptions } from '../../../config/options/table.ts';
import { loadProfiles } from '../../../config/profiles/load-profiles.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { run } from './run.ts';
import { runJoined } from './run-joined.ts';
import { mayJoin, type RunOptions, whatCannotBeHad } from './run-options.ts';

/**
 * Runs a command with the tunnel of this name: the one that is up, else that of the profile, which ends with the command.
 *
 * @returns the command's exit code, or ours when there is no such tunnel
 * @throws TshuttleError only before the command has started
 */
export async function runNamed(
  name: string,
  options: RunOptions,
  { verbosity, quiet: isQuiet }: Pick<RawOptions, 'verbosity' | 'quiet'>,
  session: CommandSession,
): Promise<number> {
  const { environment } = session.process;
  let up: readonly string[] = [];
  if (mayJoin(options)) {
    const running = await RunningTunnels.find(surroundingsOf(environment));
    up = running.names;
    const named = running.named(name);
    const taken = running.keepOnly(({ report }) => report === named?.report);
    if (taken !== undefined) return await runJoined(options.command, taken, options.probe, session);
  }
  const loaded = loadProfiles([name], profileSurroundingsOf(environment), up);
  const { profiles, problems, warnings } = await withClouds(loaded, environment);
  const profile = profiles[0];
  if (problems.length > 0 || profile === undefined) return await session.refuse('ERR_CONFIG', problems);
  const config = {
    ...profile.config,
    verbosity: Math.max(profile.config.verbosity, verbosity),
    quiet: (profile.config.quiet && verbosity === 0) || isQuiet,
  };
  const unfit = whatCannotBeHad(options, config);
  if (unfit.length > 0) return await session.refuse('ERR_USAGE', unfit);
  return await run(options, { config, name, warnings: [...sudoWarnings(environment), ...warnings] }, session);
}
