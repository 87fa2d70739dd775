import type { Config } from '../../config/config.ts';
import type { Logger } from '../../core/log.ts';
import type { HostPort } from '../../net/endpoint.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { type ExamineContext, examine } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { renderFinding } from '../doctor/render-finding.ts';

/** What {@link doctor} needs. */
export interface DoctorContext extends Pick<ExamineContext, 'surroundings'> {
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  readonly format: 'json' | 'text' | 'colour';
}

/**
 * Looks at the machine, the bastion and the destinations, and tells what is found as it is found.
 *
 * @param config undefined looks at the machine only
 * @returns the exit code: 0 when nothing stops the job
 */
export async function doctor(
  config: Config | undefined,
  destinations: readonly HostPort[],
  context: DoctorContext,
): Promise<number> {
  const findings: Finding[] = [];
  for await (const finding of examine(config, destinations, context)) {
    findings.push(finding);
    if (context.format !== 'json') context.print(renderFinding(finding, context.format === 'colour'));
  }
  const problems = findings.filter(({ status }) => status === 'problem').length;
  if (context.format === 'json') context.print(`${JSON.stringify({ problems, findings }, undefined, 2)}\n`);
  else
    context.print(
      `${problems === 0 ? 'nothing is wrong' : `${problems} problem${problems === 1 ? '' : 's'}`}\n`,
    );
  return problems === 0 ? 0 : 1;
}
