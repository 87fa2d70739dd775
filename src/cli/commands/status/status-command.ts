import type { TunnelsNow } from '../../../app/running-tunnels/tunnel-views.ts';
import { renderProblem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';
import type { Look } from '../../rendering/terminal.ts';

interface StatusOptions {
  readonly format?: string;
  readonly watch?: true;
}

/** `tshuttle status` */
export const statusCommand = defineCommand<NamedTunnels & StatusOptions>({
  name: 'status',
  describe: (command, choose, refuse) => {
    describeNames<StatusOptions>(
      command,
      {
        summary: 'show the tunnels of this user: whether all is well, and what to do where it is not',
        description:
          'Shows the tunnels of this user, of profiles and of command lines: state and since when, connections, round-trip\n' +
          'time, bastion; what is captured; what is wrong, and what to do. With NAME, or for a single one, also counters.\n' +
          'Exit code 0 when all is well, 1 while one connects, 2 when one works badly, 3 when one needs you, 4 when none is\n' +
          'up, or one of NAME is not; tshuttle help status has the rest.',
        argument: '[NAME...]',
      },
      (input) => {
        if (input.format !== undefined && input.json)
          refuse({ where: '--format', what: 'does not go with --json' });
        else choose(input);
      },
    )
      .option('--format <TEXT>', "one line for prompts and bars: TEXT for each, as in '{mark}{name}'")
      .option('--watch', 'keep showing it as it changes; q quits');
  },
  run: async ({ names, json, format, watch }, { process: context, print, refuse }) => {
    const { isNothing, lookAt } = await import('../../../app/running-tunnels/tunnel-views.ts');
    const { HEALTHS } = await import('../../../app/running-tunnels/health.ts');
    const { environment } = context;
    let howToStart = '';
    const render =
      format === undefined ? await renderer(names, json, () => howToStart) : await formatter(format);
    if ('unknown' in render) return await refuse('ERR_USAGE', [render.unknown]);
    // A prompt does not wait for what a check may take.
    const look = async (how: 'as known' | 'checked' | 'health alone') => {
      const now = await lookAt('status', names, environment, how);
      if (howToStart === '' && isNothing(now) && format === undefined && !json)
        howToStart = await (await import('../../../app/running-tunnels/what-there-is.ts')).howToStart(
          environment,
        );
      return now;
    };
    if (watch === true) {
      const { watchStatus } = await import('./watch-status.ts');
      const { EXIT_STOPPED } = await import('../../../app/exit-code.ts');
      const { stop } = context;
      context.onReaderGone = () => stop.request(EXIT_STOPPED);
      const shows = format === undefined ? (json ? 'json' : 'screen') : 'line';
      return await watchStatus({
        process: context,
        ...{ print, shows, ...render },
        look: () => look(format === undefined ? 'as known' : 'health alone'),
      });
    }
    const now = await look(format === undefined ? 'checked' : 'health alone');
    const { lookOf } = await import('../../rendering/terminal.ts');
    print(render.render(now, lookOf(environment)));
    if (now.tunnels.length === 0 && format === undefined && !json) {
      const { fitError } = await import('../../command/report.ts');
      const { sudoWarnings } = await import('../../../app/running-tunnels/user-folders.ts');
      for (const warning of sudoWarnings(environment))
        process.stderr.write(fitError(`tshuttle: ${renderProblem(warning)}\n`));
    }
    return HEALTHS.indexOf(now.health);
  },
});

type Render = (now: TunnelsNow, look: Look) => string;

async function renderer(
  names: readonly string[],
  json: boolean,
  howToStart: () => string,
): Promise<{ readonly render: Render }> {
  if (json) return { render: (now) => `${JSON.stringify(now)}\n` };
  const { renderStatus } = await import('../../rendering/status-text.ts');
  return {
    render: (now, look) => {
      const isDetailed = names.length > 0 || now.tunnels.length === 1;
      return renderStatus(now, { nowMs: Date.now(), look, isDetailed, howToStart: howToStart() });
    },
  };
}

async function formatter(
  text: string,
): Promise<
  { readonly render: Render } | { readonly unknown: { readonly where: string; readonly what: string } }
> {
  const { formatTunnels, PLACEHOLDER_NAMES, unknownPlaceholders } = await import('./status-format.ts');
  const [unknown] = unknownPlaceholders(text);
  if (unknown !== undefined) {
    const known = PLACEHOLDER_NAMES.map((name) => `{${name}}`).join(', ');
    return { unknown: { where: '--format', what: `has no ${unknown}; there are ${known}` } };
  }
  return { render: (now, look) => `${formatTunnels(now, text, { look, nowMs: Date.now() })}\n` };
}
