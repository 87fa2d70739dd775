import { exitCodeOf } from '../../../app/exit-code.ts';
import { type RunningTunnelHandle, RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { howToStart } from '../../../app/running-tunnels/what-there-is.ts';
import type { ReloadReport } from '../../../daemon/control/protocol.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import type { NamedTunnels } from '../../command/profile-names.ts';
import { renderFailure } from '../../command/report.ts';
import { printFitted } from '../../rendering/fit-lines.ts';

/** Reloads the named tunnels, or all that have profiles. @returns the exit code: that of the first that failed */
export async function reloadProfiles(
  { names, json }: NamedTunnels,
  { process: context, print }: CommandSession,
): Promise<number> {
  const running = await RunningTunnels.find(surroundingsOf(context.environment));
  try {
    const wanted =
      names.length > 0
        ? await Promise.all(names.map((name) => running.mustBeNamed(name, 'reload', context.environment)))
        : running.all.filter(({ report }) => report.profileFile !== null);
    let exitCode = 0;
    const reports: Array<{ readonly name: string } & Partial<ReloadReport>> = [];
    for (const tunnel of wanted) {
      const { name } = tunnel.report;
      try {
        reports.push({ name, ...(await reload(tunnel)) });
      } catch (error) {
        process.stderr.write(renderFailure(error));
        exitCode ||= exitCodeOf(error);
      }
    }
    if (json) print(`${JSON.stringify(reports)}\n`);
    else for (const report of reports) printFitted(print)(describe(report));
    if (wanted.length === 0 && !json)
      print(`tshuttle: no profile is up -> ${await howToStart(context.environment)}\n`);
    return exitCode;
  } finally {
    running.close();
  }
}

async function reload({ client, report }: RunningTunnelHandle): Promise<Partial<ReloadReport>> {
  const answer = await client.ask({ type: 'reload', name: report.name });
  if (answer.type !== 'reloaded') return {};
  const { applied, needRestart, warnings } = answer;
  return { applied, needRestart, warnings };
}

function describe({
  name,
  applied = [],
  needRestart = [],
  warnings = [],
}: { readonly name: string } & Partial<ReloadReport>): string {
  const lines = warnings.map((warning) => `${name}: ${warning}`);
  if (applied.length > 0) lines.push(`${name}: applied: ${applied.join(', ')}`);
  if (needRestart.length > 0) {
    lines.push(`${name}: needs a restart (tshuttle restart ${name}) for: ${needRestart.join(', ')}`);
  }
  if (applied.length === 0 && needRestart.length === 0) lines.push(`${name}: nothing has changed`);
  return lines.map((line) => `tshuttle: ${line}\n`).join('');
}
