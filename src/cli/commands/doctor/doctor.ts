import type { Config } from '../../../config/config.ts';
import type { Logger } from '../../../core/log.ts';
import type { Prompter } from '../../../ssh/prompter.ts';
import type { Format } from '../../rendering/terminal.ts';
import { type ExamineContext, type ExaminedDestinations, examine } from './examine.ts';
import type { Finding } from './finding.ts';
import { renderFinding } from './render-finding.ts';

const EXIT_PROBLEMS = 1;
const EXIT_UNTRIED = 2;

/** Dependencies of {@link doctor}. */
export interface DoctorContext extends Pick<ExamineContext, 'running' | 'onStep'> {
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  readonly format: Format;
}

/**
 * Looks at the machine, the bastion and the destinations, and tells what is found as it is found.
 *
 * @param config undefined looks at the machine only
 * @returns the exit code: 0 when nothing stops the job, 1 with problems, 2 when something that was named could not be tried
 */
export async function doctor(
  config: Config | undefined,
  examined: ExaminedDestinations,
  context: DoctorContext,
): Promise<number> {
  const findings: Finding[] = [];
  for await (const finding of examine(config, examined, context)) {
    findings.push(finding);
    if (context.format !== 'json') context.print(renderFinding(finding, context.format));
  }
  context.onStep?.(undefined);
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const [problems, untried] = [count('problem'), count('untried')];
  context.print(
    context.format === 'json'
      ? `${JSON.stringify({ problems, untried, findings }, undefined, 2)}\n`
      : `${summary(problems, untried, config !== undefined || examined.by === 'tunnels that are up')}\n`,
  );
  return problems > 0 ? EXIT_PROBLEMS : untried > 0 ? EXIT_UNTRIED : 0;
}

function summary(problems: number, untried: number, isBastionNamed: boolean): string {
  const parts = [
    ...(problems === 0 ? [] : [`${problems} problem${problems === 1 ? '' : 's'}`]),
    ...(untried === 0 ? [] : [`${untried} not tried`]),
  ];
  if (parts.length > 0) return parts.join(', ');
  return isBastionNamed
    ? 'nothing is wrong'
    : 'nothing is wrong with this machine; no bastion was named: tshuttle doctor -r BASTION HOST:PORT';
}
